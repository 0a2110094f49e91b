// @ts-check
/** Nodes and connections as n8n saves them: the one builder of workflows for tests, end-to-end tests and the bench. */

/**
 * @typedef {Omit<import('n8n-workflow').INode, 'parameters' | 'credentials'> & { parameters: any, credentials?: Record<string, { id: string, name: string }> }} WorkflowNode
 * @typedef {Record<string, { main: Array<Array<{ node: string, type: 'main', index: number }>> }>} Connections
 */

let ids = 0;

/**
 * @param {string} name
 * @param {string} type n8n's own need no prefix
 * @param {Record<string, unknown>} [parameters]
 * @param {object} [settings] any other field of a saved node, such as `typeVersion`, 1 by default
 * @returns {WorkflowNode}
 */
export const node = (name, type, parameters = {}, settings = {}) => ({
	id: `node-${++ids}`,
	name,
	type: type.includes('.') ? type : `n8n-nodes-base.${type}`,
	typeVersion: 1,
	position: [0, 0],
	parameters,
	...settings,
});

/**
 * Connections from `[from, to]` and `[from, to, output]`, all by name.
 *
 * @param {Array<[string, string, number?]>} wires
 * @returns {Connections}
 */
export function wire(wires) {
	/** @type {Connections} */
	const connections = {};
	for (const [from, to, output = 0] of wires) {
		const { main } = (connections[from] ??= { main: [] });
		while (main.length <= output) main.push([]);
		main[output]?.push({ node: to, type: 'main', index: 0 });
	}
	return connections;
}

/**
 * Connections of nodes that follow one another.
 *
 * @param {Array<{ name: string }>} nodes
 */
export const inLine = (nodes) =>
	wire(
		nodes
			.slice(1)
			.map(({ name }, index) => [/** @type {{ name: string }} */ (nodes[index]).name, name]),
	);

/**
 * @param {string} name
 * @param {WorkflowNode[]} nodes which follow one another, unless there are connections
 * @param {{ connections?: Connections, settings?: object }} [more]
 */
export const workflow = (name, nodes, { connections = inLine(nodes), settings } = {}) => ({
	name,
	nodes,
	connections,
	settings: { executionOrder: 'v1', ...settings },
});

/**
 * A node that starts a workflow when its path is called.
 *
 * @param {string} name
 * @param {string} path
 * @param {Record<string, unknown>} [parameters]
 */
export const webhook = (name, path, parameters = {}) =>
	node(
		name,
		'webhook',
		{ httpMethod: 'POST', path, options: {}, ...parameters },
		{ typeVersion: 2, webhookId: path },
	);

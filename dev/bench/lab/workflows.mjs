// @ts-check
// Workflows, as a user would have drawn them.

/** @typedef {import('../../server/session.mjs').WorkflowNode} WorkflowNode */
/** @typedef {import('../../server/session.mjs').CredentialReference} CredentialReference */
/** @typedef {Record<string, CredentialReference>} Credentials */

const PACKAGE = 'n8n-nodes-kling-v2v';
export const REFERENCE = 'http://localhost/reference.mp4';

let ids = 0;

/**
 * @param {string} name
 * @param {string} type
 * @param {Record<string, unknown>} parameters
 * @param {Partial<WorkflowNode> & Record<string, unknown>} [more]
 * @returns {WorkflowNode}
 */
export const node = (name, type, parameters, more = {}) => ({
	id: `node-${++ids}`,
	name,
	type: type.includes('.') ? type : `n8n-nodes-base.${type}`,
	typeVersion: 1,
	parameters,
	.../** @type {object} */ ({ position: [200 * ids, 0] }),
	...more,
});

/**
 * Connections in n8n's form, from `[from, to]` and `[from, to, output]`.
 *
 * @param {Array<[string, string, number?]>} wires
 */
export function wire(wires) {
	/** @type {Record<string, { main: Array<Array<{ node: string, type: string, index: number }>> }>} */
	const connections = {};
	for (const [from, to, output = 0] of wires) {
		const { main } = (connections[from] ??= { main: [] });
		while (main.length <= output) main.push([]);
		main[output]?.push({ node: to, type: 'main', index: 0 });
	}
	return connections;
}

/**
 * Nodes one after the other.
 *
 * @param {string} name
 * @param {WorkflowNode[]} nodes
 * @param {object} [settings]
 */
export const inLine = (name, nodes, settings = {}) => ({
	name,
	nodes,
	connections: wire(
		nodes.slice(1).map((next, n) => [/** @type {WorkflowNode} */ (nodes[n]).name, next.name]),
	),
	settings: { executionOrder: 'v1', ...settings },
});

export const start = () => node('Start', 'manualTrigger', {});

/** So many items, numbered. @param {number} count */
export const items = (count) =>
	node(
		'Items',
		'code',
		{ jsCode: `return Array.from({ length: ${count} }, (_, n) => ({ json: { n } }));` },
		{ typeVersion: 2 },
	);

/**
 * @param {Credentials} credentials
 * @param {Record<string, unknown>} [parameters]
 */
export const generate = ({ magnificApi }, parameters = {}) =>
	node(
		'Generate',
		`${PACKAGE}.klingV2vGenerate`,
		{ prompt: 'As in @Video1', videoUrl: REFERENCE, ...parameters },
		{ typeVersion: 1.1, credentials: { magnificApi } },
	);

/**
 * @param {Credentials} credentials
 * @param {Record<string, unknown>} [parameters]
 */
export const taskStatus = ({ magnificApi }, parameters = {}) =>
	node('Status', `${PACKAGE}.klingTaskStatus`, parameters, { credentials: { magnificApi } });

/**
 * @param {string} path
 * @param {Credentials} credentials
 * @param {Record<string, unknown>} [parameters]
 */
export const trigger = (path, { magnificApi }, parameters = {}) =>
	node('Trigger', `${PACKAGE}.klingV2vTrigger`, parameters, {
		typeVersion: 1.1,
		webhookId: path,
		credentials: { magnificApi },
	});

/**
 * @param {string} path
 * @param {Record<string, unknown>} [parameters]
 */
export const webhook = (path, parameters = {}) =>
	node(
		'Webhook',
		'webhook',
		{ httpMethod: 'POST', path, options: {}, ...parameters },
		{ typeVersion: 2, webhookId: path },
	);

/** For a webhook that answers when everything behind it is done. */
export const WHEN_DONE = { responseMode: 'lastNode', responseData: 'noData' };

export const noOp = () => node('No Operation', 'noOp', {});

/**
 * @param {string} name
 * @param {string} url
 * @param {Record<string, unknown>} [parameters]
 * @param {Credentials} [credentials] with the key in a header
 */
export const httpRequest = (name, url, parameters = {}, credentials) =>
	node(
		name,
		'httpRequest',
		{
			url,
			...(credentials && {
				authentication: 'genericCredentialType',
				genericAuthType: 'httpHeaderAuth',
			}),
			options: {},
			...parameters,
		},
		{
			typeVersion: 4.2,
			...(credentials && {
				credentials: {
					httpHeaderAuth: /** @type {CredentialReference} */ (credentials.httpHeaderAuth),
				},
			}),
		},
	);

/** The HTTP Request node's way of saying that a file comes. */
export const AS_FILE = {
	options: { response: { response: { responseFormat: 'file', outputPropertyName: 'data' } } },
};

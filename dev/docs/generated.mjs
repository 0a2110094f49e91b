// @ts-check
/** The files that hold something written from the declarations, and what that is. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { declaredIn } from './declared.mjs';
import { Pages } from './tables.mjs';

/** @typedef {import('./declared.mjs').Property} Property */

const NODES = ['KlingV2vGenerate', 'KlingTaskStatus', 'KlingV2vTrigger'];

const PAGES = ['README.md', 'docs/generate.md', 'docs/task-status.md', 'docs/trigger.md'];

/**
 * @param {string} root the package's folder, built
 * @param {string[]} [names] of its pages
 * @returns {{ file: string, before: string, after: string }[]} `before` is the file as it is
 */
export function generated(root, names = PAGES) {
	const { providers, propertiesOf } = declaredIn(root);
	const blocks = blocksOf(propertiesOf, providers);
	const pages = names.map((file) =>
		rewritten(root, file, (text) => withWorkflows(root, withBlocks(file, text, blocks))),
	);
	const terms = providers.flatMap(({ searchTerms }) => searchTerms);
	const codices = NODES.map((node) =>
		rewritten(root, `nodes/${node}/${node}.node.json`, (text) => withSearchTerms(text, terms)),
	);
	return [...pages, ...codices];
}

/** @param {string} root @param {string} file @param {(text: string) => string} write */
function rewritten(root, file, write) {
	const before = readFileSync(join(root, file), 'utf8');
	return { file, before, after: write(before) };
}

/**
 * @param {(node: string) => Property[]} propertiesOf
 * @param {readonly import('./declared.mjs').Provider[]} providers
 * @returns {Record<string, string>} tables by the name in their markers
 */
function blocksOf(propertiesOf, providers) {
	const pages = new Pages(providers);
	const generate = propertiesOf('KlingV2vGenerate');
	const status = propertiesOf('KlingTaskStatus');
	const trigger = propertiesOf('KlingV2vTrigger');
	const [options] = collections(generate, 'options');
	const [waiting] = collections(status, 'options');
	const fields = collections(generate, 'additionalFields').flatMap((list, i) =>
		list.map((field) => ownedBy(providers[i].name, field)),
	);
	const within = (/** @type {string} */ name) =>
		/** @type {any} */ ([...generate, ...fields].find((each) => each.name === name))?.options[0]
			.values ?? [];
	return {
		'generate, in short': pages.short(withoutCollections(generate)),
		'additional fields, in short': pages.short(fields, { all: generate }),
		'options, in short': pages.short(options, {
			isSent: false,
			presetHead: 'once you add it',
			tells: true,
		}),
		'task status, in short': pages.short(flat(status, waiting), { all: status, isSent: false }),
		'trigger, in short': pages.short(trigger, { isSent: false }),
		generate: pages.full(generate),
		'additional fields': providers
			.map((provider, i) => {
				const own = collections(generate, 'additionalFields')[i];
				return `**${provider.label}**\n\n${new Pages([provider]).full(own, { all: generate })}`;
			})
			.join('\n\n'),
		'reference videos': pages.full(within('videoList'), { all: generate }),
		elements: pages.full(within('elements'), { all: generate }),
		options: pages.full(options, { isSent: false, presetHead: 'Once you add it' }),
		'task status': pages.full(flat(status, waiting), { all: status, isSent: false }),
		trigger: pages.full(trigger, { isSent: false }),
	};
}

/** @param {Property[]} properties @param {string} name */
const collections = (properties, name) =>
	properties
		.filter((each) => each.name === name)
		.map(({ options }) => /** @type {Property[]} */ (options));

/** @param {Property[]} properties */
const withoutCollections = (properties) => properties.filter(({ type }) => type !== 'collection');

/** Task Status has two options only: they stand among the parameters. @param {Property[]} properties @param {Property[]} options */
const flat = (properties, options) => {
	const show = properties.find(({ type }) => type === 'collection')?.displayOptions;
	return [
		...withoutCollections(properties),
		...options.map((option) => ({ ...option, displayOptions: show })),
	];
};

/** @param {string} provider @param {Property} property @returns {Property} */
const ownedBy = (provider, property) => ({
	...property,
	displayOptions: { show: { provider: [provider], ...property.displayOptions?.show } },
});

const BLOCK = /(<!-- table: (.+?) -->\n)[^]*?(<!-- end of table -->)/g;

/** @param {string} file @param {string} text @param {Record<string, string>} blocks */
function withBlocks(file, text, blocks) {
	return text.replace(BLOCK, (_all, begin, name, end) => {
		if (!blocks[name]) throw new Error(`${file} asks for a table "${name}", which there is not.`);
		return `${begin}${blocks[name]}\n${end}`;
	});
}

const WORKFLOW = /(<!-- workflow: (.+?) -->\n)[^]*?(<!-- end of workflow -->)/g;

/** An example as JSON to paste onto the canvas, without its notes: a line for each node. @param {string} root @param {string} text */
const withWorkflows = (root, text) =>
	text.replace(WORKFLOW, (_all, begin, file, end) => {
		const { nodes, connections } = JSON.parse(readFileSync(join(root, 'examples', file), 'utf8'));
		const lines = nodes
			.filter((/** @type {any} */ { type }) => type !== 'n8n-nodes-base.stickyNote')
			.map((/** @type {any} */ { id, ...node }) => JSON.stringify(node));
		const json = `{ "nodes": [\n${lines.join(',\n')}\n], "connections":\n${JSON.stringify(connections)}\n}`;
		return `${begin}\n\`\`\`json\n${json}\n\`\`\`\n\n${end}`;
	});

/**
 * n8n finds a node by these words too. Those after "video to video" and the like are the providers'.
 *
 * @param {string} text @param {string[]} terms
 */
function withSearchTerms(text, terms) {
	const codex = JSON.parse(text);
	const known = /** @type {string[]} */ (codex.alias).filter((word) => !terms.includes(word));
	return text.replace(/("alias": \[)[^\]]*(\])/, (_all, begin, end) => {
		const lines = [...known, ...terms].map((word) => `\n\t\t${JSON.stringify(word)}`);
		return `${begin}${lines.join(',')}\n\t${end}`;
	});
}

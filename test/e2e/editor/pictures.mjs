// @ts-check
import fs from 'node:fs';
import path from 'node:path';
import { GENERATE, STATUS, TRIGGER } from './checks.mjs';
import { Editor } from './editor.mjs';

/** @typedef {import('./editor.mjs').Theme} Theme */

/** @type {Theme[]} */
export const themes = ['light', 'dark'];

const MARGIN = 24;

/** The names of nodes hang out of them. */
const BELOW_NODES = 56;

/** n8n's marks at the edges of an open node lead to others; cut in half, they lead nowhere. */
const STYLE = `
	[data-test-id="floating-nodes"] { visibility: hidden; }
	[data-test-id="ndv"] { border-radius: 0 !important; }
`;

/**
 * The pictures of the documentation, in one theme.
 *
 * @param {import('playwright-core').Browser} browser
 * @param {import('../world.mjs').World} world
 * @param {{ theme: Theme, folder: string, workflows: import('./workflows.mjs').Workflows }} options
 * @returns {Promise<string[]>} the files
 */
export async function takePictures(browser, world, { theme, folder, workflows }) {
	const editor = await Editor.open(browser, world, { theme, size: { width: 1560, height: 980 } });
	const { page } = editor;
	/** @type {string[]} */
	const files = [];
	const take = async (/** @type {string} */ name, /** @type {Box} */ clip) => {
		const file = path.join(folder, `${name}-${theme}.png`);
		await page.screenshot({
			path: file,
			clip,
			style: STYLE,
			animations: 'disabled',
			caret: 'hide',
		});
		files.push(file);
	};
	fs.mkdirSync(folder, { recursive: true });
	try {
		await editor.openWorkflow(workflows.main.id);
		await editor.run(workflows.main.nodes);
		await editor.quiet();
		await take('editor', await around(page.locator(ON_CANVAS), MARGIN, BELOW_NODES));

		await editor.openNode(GENERATE);
		await editor.playVideo();
		await take('generate', await around(page.getByTestId('ndv'), -1));
		const form = await editor.newCredential();
		// Filled in as the README advises.
		await editor.choose('allowedHttpRequestDomains', 'None');
		await editor.type('apiKey', 'a key of the emulator');
		await page.locator(':focus').blur();
		await take('credential', await around(form, -1));

		await editor.openWorkflow(workflows.loop.id);
		await editor.run(workflows.loop.nodes);
		await editor.quiet();
		await editor.openNode(STATUS);
		await editor.showOutputAs('Schema');
		await take('status', await around(page.getByTestId('ndv'), -1));
		await editor.closeNode();

		await editor.openWorkflow(workflows.trigger.id);
		await editor.openNode(TRIGGER);
		await editor.productionUrl();
		await take('trigger', await around(page.getByTestId('ndv'), -1));
		await editor.closeNode();

		await editor.openWorkflow(workflows.empty.id);
		await editor.search('kling');
		await take('node-panel', await around(page.locator(FOUND), 0, MARGIN));
		return files;
	} finally {
		await editor.close();
	}
}

const ON_CANVAS = '[data-test-id="canvas-node"], [data-test-id="sticky"]';
const FOUND = '[data-test-id="nodes-list-header"], [data-test-id="item-iterator-item"]';

/** @typedef {{ x: number, y: number, width: number, height: number }} Box */

/**
 * @param {import('playwright-core').Locator} things
 * @param {number} [margin]
 * @param {number} [below] another margin, below them
 * @returns {Promise<Box>} all of them, in whole pixels
 */
async function around(things, margin = 0, below = margin) {
	const boxes = await things.evaluateAll((elements) =>
		elements.map((element) => {
			const { left, top, right, bottom } = element.getBoundingClientRect();
			return { left, top, right, bottom };
		}),
	);
	const x = Math.floor(Math.min(...boxes.map(({ left }) => left)) - margin);
	const y = Math.floor(Math.min(...boxes.map(({ top }) => top)) - margin);
	return {
		x,
		y,
		width: Math.ceil(Math.max(...boxes.map(({ right }) => right)) + margin) - x,
		height: Math.ceil(Math.max(...boxes.map(({ bottom }) => bottom)) + below) - y,
	};
}

import fs from 'node:fs';
import path from 'node:path';
import type { Locator } from '@playwright/test';
import { GENERATE, STATUS, TRIGGER } from '../workflows.mts';
import { expect, test } from './fixtures.mts';
import { importForEditor } from './workflows.mjs';

/** So large a picture would make the documentation slow. */
const MOST_BYTES = 200_000;

const MARGIN = 24;

/** The names of nodes hang out of them. */
const BELOW_NODES = 56;

/** n8n's marks at the edges of an open node lead to others; cut in half, they lead nowhere. */
const STYLE = `
	[data-test-id="floating-nodes"] { visibility: hidden; }
	[data-test-id="ndv"] { border-radius: 0 !important; }
`;

for (const theme of ['light', 'dark'] as const) {
	test.describe(() => {
		test.use({ colorScheme: theme, viewport: { width: 1560, height: 980 } });

		test(`The pictures of the documentation can be taken in the ${theme} theme, and are small`, async ({
			stage,
			editor,
		}, testInfo) => {
			const { page } = editor;
			const folder = process.env.PICTURES_FOLDER ?? testInfo.outputPath('pictures');
			const workflows = await importForEditor(stage);
			const sizes: Record<string, number> = {};
			const take = async (name: string, clip: Box) => {
				const file = path.join(folder, `${name}-${theme}.png`);
				await page.screenshot({
					path: file,
					clip,
					style: STYLE,
					animations: 'disabled',
					caret: 'hide',
				});
				sizes[name] = fs.statSync(file).size;
			};

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

			expect(Math.max(...Object.values(sizes)), JSON.stringify(sizes)).toBeLessThanOrEqual(
				MOST_BYTES,
			);
		});
	});
}

const ON_CANVAS = '[data-test-id="canvas-node"], [data-test-id="sticky"]';
const FOUND = '[data-test-id="nodes-list-header"], [data-test-id="item-iterator-item"]';

type Box = { x: number; y: number; width: number; height: number };

/** All of them, in whole pixels; `below` is another margin, below them. */
async function around(things: Locator, margin = 0, below = margin): Promise<Box> {
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

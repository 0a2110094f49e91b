// @ts-check
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { root } from '../../../dev/setup.mjs';
import { freePort } from '../../../dev/server/ports.mjs';
import { size } from '../../../dev/server/progress.mjs';
import { launchChromium } from '../editor/browser.mjs';
import { GENERATE, PUBLIC_URL, checks } from '../editor/checks.mjs';
import { Editor } from '../editor/editor.mjs';
import { takePictures, themes } from '../editor/pictures.mjs';
import { importForEditor } from '../editor/workflows.mjs';
import { Stage } from '../stage.mjs';
import { openSqliteWorld } from '../worlds/sqlite.mjs';

/** So large a picture would make the documentation slow. */
const MOST_BYTES = 200_000;

/** That of `npm start`, so that pictures show what a reader sees there. */
const MEDIA_PORT = 8766;

/**
 * The editor as a person uses it.
 *
 * @param {import('../report.mjs').Report} report
 * @param {import('../../../dev/server/install.mjs').N8n} n8n
 * @param {{ images?: string, areChecked?: boolean }} [options] where pictures go, beside the server by default
 */
export async function editor(report, n8n, { images, areChecked = true } = {}) {
	const group = `Editor of n8n ${n8n.version}`;
	const env = { WEBHOOK_URL: PUBLIC_URL };
	const world = await report.prepare(group, 'server', () =>
		openSqliteWorld({ n8n, name: 'editor', env }),
	);
	if (!world) return;
	const browser = await report.prepare(group, 'Chromium', launchChromium);
	try {
		if (!browser) return;
		const mediaPort = await freePort(MEDIA_PORT);
		await Stage.for(world, { label: 'my account', mediaPort }, async (stage) => {
			const workflows = await importForEditor(stage);
			if (areChecked) await report.run(group, await checkCases(browser, world, workflows));
			const folder = images ?? path.join(world.folder, 'images');
			await report.run(
				group,
				themes.map((theme) => ({
					name: `pictures, ${theme}`,
					run: async () => {
						const files = await takePictures(browser, world, { theme, folder, workflows });
						const sizes = files.map((file) => fs.statSync(file).size);
						assert.ok(Math.max(...sizes) <= MOST_BYTES, `pictures of ${sizes.map(size)}`);
						return `${files.length} in ${path.relative(root, folder)}, ${size(Math.max(...sizes))} at most`;
					},
				})),
			);
		});
	} finally {
		await browser?.close();
		await world.stop();
	}
}

/**
 * All in one window, as the editor is slow to open for the first time.
 *
 * @param {import('playwright-core').Browser} browser
 * @param {import('../world.mjs').World} world
 * @param {import('../editor/workflows.mjs').Workflows} workflows
 * @returns {Promise<import('../report.mjs').Case[]>}
 */
async function checkCases(browser, world, { main }) {
	const window = await Editor.open(browser, world);
	const failed = path.join(world.folder, 'failed.png');
	return [
		...checks.map(({ name, check }) => ({ name, workflow: 'new', check })),
		{ ...exampleCheck(main.nodes), workflow: main.id },
	].map(({ name, workflow, check }) => ({
		name,
		run: async () => {
			try {
				await window.openWorkflow(workflow);
				return await check(window);
			} catch (error) {
				// What it looked like says more than any message.
				await window.page.screenshot({ path: failed });
				throw error;
			}
		},
	}));
}

/** @param {string[]} nodes @returns {import('../editor/checks.mjs').Check} */
const exampleCheck = (nodes) => ({
	name: 'the main example: green ticks, and its video plays in the output panel',
	check: async (editor) => {
		await editor.run(nodes);
		await editor.openNode(GENERATE);
		const { problem, ...video } = await editor.playVideo();
		assert.equal(problem, null);
		assert.ok(video.readyState >= 3 && video.currentTime > 0, JSON.stringify(video));
		assert.ok(Math.abs(video.duration - 5) < 0.2, `a video of ${video.duration} s`);
		return `${video.duration.toFixed(1)} s, ${video.videoWidth} x ${video.videoHeight}`;
	},
});

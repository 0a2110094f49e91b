import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { node, workflow } from '../../../dev/workflow.mjs';
import { GENERATE, GENERATE_TYPE } from '../workflows.mts';
import { expect, test } from './fixtures.mts';

/** A picture that moves must not make the README slow. */
const MOST_BYTES = 2_000_000;

const WIDTH = 960;
const PLAYED = 16;

/** The part of a browser's video element that is used here. */
interface Video {
	playbackRate: number;
	play(): Promise<void>;
}

test.use({ colorScheme: 'light', viewport: { width: 1280, height: 800 }, taskSeconds: 4 });

test('The moving picture of the README can be taken: paste a link, execute, watch the video', async ({
	stage,
	editor,
}, testInfo) => {
	const { page } = editor;
	const folder = testInfo.outputPath('frames');
	fs.mkdirSync(folder, { recursive: true });
	const frames: string[] = [];
	/** Shows what is on the screen now, for so long. */
	const hold = async (seconds: number) => {
		const file = path.join(folder, `${String(frames.length).padStart(3, '0')}.png`);
		await page.screenshot({ path: file, caret: 'hide' });
		frames.push(`file '${file}'\nduration ${seconds}`);
	};

	const generate = node(
		GENERATE,
		GENERATE_TYPE,
		{ prompt: 'Follow the motion of @Video1, as a watercolour painting', videoUrl: '' },
		{ typeVersion: 1.1, position: [260, 0], credentials: stage.credentials },
	);
	const start = node('Start', 'manualTrigger');
	const { id } = await stage.instance.session.saveWorkflow(
		workflow('My first video', [start, generate]),
	);
	await editor.openWorkflow(id);
	await editor.quiet();
	await hold(1.5);
	await editor.openNode(GENERATE);
	await hold(1.5);
	await editor.field('videoUrl').locator('input').first().click();
	await page.keyboard.insertText(stage.emulator.referenceUrl);
	await hold(1.5);
	await page.getByTestId('node-execute-button').click();
	const view = page.getByTestId('ndv-view-binary-data');
	while (!(await view.isVisible())) {
		await hold(0.8);
		await page.waitForTimeout(700);
	}
	await editor.quiet();
	await hold(1.5);
	const { problem } = await editor.playVideo();
	expect(problem).toBeNull();
	const video = page.locator('video').first();
	// n8n sends no parts of a file, so nobody can jump in it: it is watched slowly instead.
	await video.evaluate(async (element) => {
		const player = element as unknown as Video;
		player.playbackRate = 0.25;
		await player.play();
	});
	for (let frame = 0; frame < PLAYED; frame++) {
		await hold(0.2);
		await page.waitForTimeout(700);
	}
	await hold(1.5);

	const list = path.join(folder, 'list.txt');
	fs.writeFileSync(list, `${frames.join('\n')}\n`);
	const target = path.join(
		process.env.PICTURES_FOLDER ?? testInfo.outputPath('pictures'),
		'first-video.gif',
	);
	fs.mkdirSync(path.dirname(target), { recursive: true });
	const filters = `fps=5,scale=${WIDTH}:-1:flags=lanczos,split[a][b];[a]palettegen=max_colors=128:stats_mode=diff[p];[b][p]paletteuse=dither=none:diff_mode=rectangle`;
	const ffmpeg = createRequire(import.meta.url)('@ffmpeg-installer/ffmpeg') as { path: string };
	const { status, stderr } = spawnSync(
		ffmpeg.path,
		['-v', 'error', '-y', '-f', 'concat', '-safe', '0', '-i', list, '-vf', filters, target],
		{ encoding: 'utf8' },
	);
	expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
	expect(fs.statSync(target).size).toBeLessThanOrEqual(MOST_BYTES);
});

import { expect, test } from './fixtures.mts';
import type { Stage, StageOptions } from './stage.mts';
import { openStage } from './stage.mts';

/** A scene has an emulator of its own. */
export type Scene = (stage: Stage) => Promise<void>;

/** By a sentence about each. */
export type Scenes = Record<string, Scene>;

/** One test of scenes that are played at the same time: n8n's clock takes a minute for one of them as for all. */
export function together(title: string, scenes: Scenes, options: Partial<StageOptions> = {}): void {
	test(`${title}: ${Object.keys(scenes).length} executions at once`, async ({
		server,
	}, testInfo) => {
		test.setTimeout(20 * 60_000);
		const failed: string[] = [];
		const play = async ([sentence, scene]: [string, Scene], index: number) => {
			const log = testInfo.outputPath(`emulator-${index}.log`);
			await test
				.step(sentence, async () => await openStage(server, { log, ...options }, scene))
				.catch((error: Error) => failed.push(`${sentence}: ${error.message}`));
		};
		await Promise.all(Object.entries(scenes).map(play));
		expect(failed, 'what is not so').toEqual([]);
	});
}

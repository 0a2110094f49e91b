import { describe, expect, test } from '@jest/globals';
import { faultsOfCut } from './media/cutChecks.mts';
import { cutClips, recipes } from './media/cutClips.mts';

const ONLY = process.env.CUT_ONLY;
const names = recipes.map(({ name }) => name).filter((n) => !ONLY || new RegExp(ONLY).test(n));
describe('cuts', () => {
	test.each(names)('%s', async (name) => {
		const { streams } = await cutClips.probe(name);
		const duration = Number(streams.find(({ codec_type: type }) => type === 'video')?.duration);
		const length = Math.min(3, duration / 2);
		const faults: string[] = [];
		for (const start of [0, (duration - length) * 0.47, duration - length]) {
			faults.push(...(await faultsOfCut(name, { start, length })));
		}
		expect(faults).toEqual([]);
	});
});

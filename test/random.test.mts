import { beforeAll, expect, test } from '@jest/globals';
import type { Rule } from '../dev/emulator/client.mjs';
import { hurry, timing } from './engine/haste.mts';
import { judge } from './engine/ledgerCheck.mts';
import { seeded } from './engine/seeded.mts';
import { useBench } from './engine/setup.mts';

/** Faults in any order and number, seeded: the same invariant as in the fault matrix. */

const bench = useBench();
beforeAll(() => {
	hurry();
	// These tests ask about bills and tasks: a file that cannot be had need not be tried for long.
	timing.download.patience = 100;
});

const SEQUENCES = 150;
const SEED = 20261120;

const refusals = [302, 400, 401, 402, 403, 404, 409, 410, 422, 423, 451];

function randomRule(pick: <T>(from: T[]) => T, chance: (of: number) => boolean): Rule {
	const action = pick(['create', 'create', 'status', 'download', 'list']);
	const made = action === 'create' ? { makeTask: chance(0.6) } : {};
	const faults: Array<Rule['fault']> = [
		// A provider that refuses has made nothing; one that breaks down may have.
		{ kind: 'status', status: pick(refusals) },
		{ kind: 'status', status: pick([429, 503]) },
		{ kind: 'status', status: pick([408, 500, 502, 504]), ...made },
		{ kind: 'html', status: 200, ...made },
		{ kind: 'empty', ...made },
		{ kind: 'truncated', ...made },
		{ kind: 'malformed', ...made },
		{ kind: 'wrong-json', body: pick<unknown>([[], null, 7, 'x', {}]), ...made },
		{ kind: 'reset', ...made },
		{ kind: 'slow', ms: 30 },
	];
	if (chance(0.04)) faults.splice(0, faults.length, { kind: 'hang', ...made });
	if (action === 'create' && chance(0.2)) {
		faults.splice(0, faults.length, {
			kind: 'task-id',
			value: pick<unknown>([null, '', 7, '../x', {}]),
		});
	}
	if (action === 'status' && chance(0.4)) {
		faults.splice(
			0,
			faults.length,
			{ kind: 'no-video' },
			{ kind: 'bad-video-url', value: 'javascript:1' },
			{ kind: 'task-status', providerStatus: pick(['FAILED', 'PONDERING']) },
		);
	}
	if (action === 'download' && chance(0.4)) {
		faults.splice(
			0,
			faults.length,
			{ kind: 'cut', atBytes: 20_000 },
			{ kind: 'redirect', location: 'other-origin' },
			{ kind: 'not-video', contentType: 'text/plain', body: 'x' },
			{ kind: 'wrong-length', delta: 10 },
		);
	}
	return {
		match: { action },
		times: pick([1, 1, 2, 3, -1]),
		skip: pick([0, 0, 1, 2]),
		fault: pick(faults),
	};
}

test(
	`${SEQUENCES} random fault sequences bill no item twice, and lose no task`,
	async () => {
		const random = seeded(SEED);
		const chance = (of: number) => random() < of;
		const pick = <T,>(from: T[]): T => from[Math.floor(random() * from.length)];
		const broken: string[] = [];
		const sums = { billed: 0, known: 0, requests: 0, items: 0, tries: 0 };
		const startedAt = Date.now();
		for (let n = 0; n < SEQUENCES; n++) {
			const provider = chance(0.75) ? 'magnific' : 'muleRouter';
			const items = pick([1, 2, 3]);
			const rules = Array.from({ length: pick([1, 2, 3, 4]) }, () => randomRule(pick, chance));
			const settings = {
				...(chance(0.5)
					? { retryOnFail: true, maxTries: pick([2, 3, 5]), waitBetweenTries: 1 }
					: {}),
				onError: pick([
					'stopWorkflow' as const,
					'continueRegularOutput' as const,
					'continueErrorOutput' as const,
				]),
			};
			await bench.emulator.reset({ taskSeconds: pick([0, 0.02]), referenceChecks: false });
			await bench.emulator.fault(...rules);
			const result = await bench.generate(
				{
					provider,
					...(provider === 'muleRouter' ? { endpoint: 'videoEdit' } : {}),
					prompt: '=@Video1 {{ Math.random() }}',
					videoUrl: bench.emulator.referenceUrl,
					completion: pick(['poll', 'poll', 'submitOnly']),
					options: { waitLimit: 0.004, maxConcurrentTasks: pick([1, 2, 3]) },
				},
				{ input: Array.from({ length: items }, () => ({})), settings },
			);
			// Where the list never comes either, all that can be asked is that the error says so.
			const listFaults = rules.filter(({ match }) => match.action === 'list');
			const isListed =
				provider === 'magnific' &&
				listFaults.every(({ times = 1 }) => times > 0) &&
				listFaults.reduce((sum, { times = 1 }) => sum + times, 0) < 6;
			const verdict = judge(result, await bench.emulator.state(), items, isListed);
			sums.billed += verdict.billed;
			sums.known += verdict.known;
			sums.requests += verdict.requests;
			sums.items += items;
			if (verdict.broken.length > 0) {
				broken.push(
					`sequence ${n}: ${verdict.broken.join(', ')} ${JSON.stringify({ provider, items, rules, settings })}`,
				);
			}
		}
		process.stdout.write(
			`${SEQUENCES} sequences, seed ${SEED}: ${sums.items} items, ${sums.billed} billed, ${sums.known} of these known (the rest at a provider without a list, and said so), ${sums.requests} requests, ${Math.round((Date.now() - startedAt) / 1000)} s\n`,
		);
		expect(broken).toEqual([]);
	},
	15 * 60_000,
);

import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { BuiltPackage } from './builtNode.mts';
import { explore } from './explore.mts';
import { HISTORIES } from './histories.mts';
import { tryMutations } from './mutations.mts';
import { drawReplays } from './replays.mts';
import type { Kind } from './replays.mts';
import { PLAIN } from './scenario.mts';
import type { Scenario } from './scenario.mts';
import { simulate } from './simulate.mts';

/** @returns the exit code */
export async function command(root: string, given: string[]): Promise<number> {
	const { values } = parseArgs({
		args: given,
		options: {
			/** So many histories are drawn. */
			runs: { type: 'string', default: '20000' },
			seed: { type: 'string', default: '1' },
			/** One history of a seed, as a failure prints it. */
			path: { type: 'string' },
			/** Ends after so many seconds of processor time. */
			seconds: { type: 'string', default: 'Infinity' },
			/** Prints the history that failed, step by step. */
			show: { type: 'boolean', default: false },
			/** Plays one history, given as JSON: what it leaves out is as in the plain one. */
			history: { type: 'string' },
			/** Plays the named ones. */
			histories: { type: 'boolean', default: false },
			/** Prints histories for a real n8n, `calm` or `killed`, and how they end here. */
			replays: { type: 'string' },
			topology: { type: 'string', default: 'regular' },
			/** Says which changes to the code are found, and by which seed. */
			mutations: { type: 'boolean', default: false },
			/** Those alone with this in their names. */
			only: { type: 'string', default: '' },
			/** Writes that into MUTATIONS.md. */
			write: { type: 'boolean', default: false },
		},
	});
	if (values.mutations) {
		return await mutate(root, Number(values.runs), Number(values.seed), values.only, values.write);
	}
	const built = new BuiltPackage(root);
	if (values.histories) return await playHistories(built);
	if (values.history) return await show(JSON.parse(values.history) as Partial<Scenario>, built);
	if (values.replays) {
		const { replays, leftOut } = await drawReplays(built, {
			kind: values.replays as Kind,
			topology: values.topology as Scenario['topology'],
			count: Number(values.runs),
			seed: Number(values.seed),
		});
		print(JSON.stringify({ leftOut }), ...replays.map((each) => JSON.stringify(each)));
		return 0;
	}
	const { sums, failure } = await explore(built, {
		runs: Number(values.runs),
		seed: Number(values.seed),
		path: values.path,
		seconds: Number(values.seconds),
	});
	const { runs, faults, inputs, items, billed, requests, places } = sums;
	const where = Object.entries(places).map(([place, count]) => `${count} ${place}`);
	print(
		`${runs} histories from seed ${values.seed} on: ${inputs} inputs x ${faults} faults, ${items} items, ${requests} requests; ${billed} tasks billed, and known by: ${where.join(', ')}`,
	);
	if (!failure) return 0;
	print(
		`It failed after ${failure.runs} histories, and was made small in ${failure.shrinks} steps:`,
		...failure.broken,
		JSON.stringify(failure.scenario),
		`Repeat it: npm run simulate -- --seed ${failure.seed} --path ${failure.path} --show`,
	);
	if (values.show) await show(failure.scenario, built);
	return 1;
}

/** @returns the exit code: 0 where all changes are found */
async function mutate(
	root: string,
	runs: number,
	seed: number,
	only: string,
	isWritten: boolean,
): Promise<number> {
	const { lines, tried, missed } = await tryMutations(root, { runs, seed, only, onLine: print });
	const sum = `${tried - missed} of ${tried} changes are found within ${runs} histories from seed ${seed} on.`;
	print(sum);
	const page = [
		'# Changes to the code that the simulation notices',
		'',
		'Each change breaks a rule of money or of order in the built code (`mutations.mts`). The table is written by `npm run simulate -- --mutations --runs 10000 --write`.',
		'',
		...lines,
		'',
		sum,
	];
	if (isWritten) {
		fs.writeFileSync(path.join(root, 'test/simulation/MUTATIONS.md'), `${page.join('\n')}\n`);
	}
	return missed === 0 ? 0 : 1;
}

/** Plays the named histories. @returns the exit code */
async function playHistories(built: BuiltPackage): Promise<number> {
	let isGood = true;
	for (const { title, scenario } of HISTORIES) {
		const { broken } = await simulate({ ...PLAIN, ...scenario }, built);
		isGood &&= broken.length === 0;
		print(JSON.stringify({ title, broken }));
	}
	return isGood ? 0 : 1;
}

/** Prints a history step by step. @returns the exit code */
async function show(scenario: Partial<Scenario>, built: BuiltPackage): Promise<number> {
	const { witness, provider, broken } = await simulate({ ...PLAIN, ...scenario }, built, true);
	print(
		...witness.story,
		...provider.tasks.map((task) => JSON.stringify(task)),
		...witness.rows.map(({ id, status }) => `${id} ${status}`),
		...broken,
	);
	return broken.length > 0 ? 1 : 0;
}

function print(...lines: string[]): void {
	process.stdout.write(`${lines.join('\n')}\n`);
}

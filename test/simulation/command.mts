import { parseArgs } from 'node:util';
import { BuiltPackage } from './builtNode.mts';
import { explore } from './explore.mts';
import { HISTORIES } from './histories.mts';
import { printMutations } from './mutations.mts';
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
			/** Says which changes to the code are found, and by which seed. */
			mutations: { type: 'boolean', default: false },
		},
	});
	if (values.mutations) return await printMutations(root, Number(values.runs), Number(values.seed));
	const built = new BuiltPackage(root);
	if (values.histories) return await playHistories(built);
	if (values.history) return await show(JSON.parse(values.history) as Partial<Scenario>, built);
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

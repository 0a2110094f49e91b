import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { BuiltPackage } from './builtNode.mts';
import type { Scenario } from './scenario.mts';
import { scenarios } from './scenario.mts';
import { simulate } from './simulate.mts';

/** @returns the exit code */
export async function command(root: string, given: string[]): Promise<number> {
	const { values } = parseArgs({
		args: given,
		options: {
			runs: { type: 'string', default: '20000' },
			seed: { type: 'string', default: '1' },
			path: { type: 'string' },
			show: { type: 'boolean', default: false },
			history: { type: 'string' },
		},
	});
	const built = new BuiltPackage(root);
	if (values.history) {
		await show(JSON.parse(values.history) as Scenario, built);
		return 0;
	}
	const sums = { runs: 0, billed: 0, requests: 0, places: {} as Record<string, number> };
	const property = fc.asyncProperty(scenarios, async (scenario: Scenario) => {
		const outcome = await simulate(scenario, built);
		sums.runs++;
		sums.billed += outcome.billed;
		sums.requests += outcome.requests;
		for (const [place, count] of Object.entries(outcome.places)) {
			sums.places[place] = (sums.places[place] ?? 0) + count;
		}
		if (outcome.broken.length > 0) throw new Error(outcome.broken.join('\n'));
	});
	const details = await fc.check(property, {
		numRuns: Number(values.runs),
		seed: Number(values.seed),
		path: values.path,
	});
	process.stdout.write(`${JSON.stringify(sums)}\n`);
	if (!details.failed) return 0;
	const [scenario] = details.counterexample as [Scenario];
	process.stdout.write(
		`seed ${values.seed} path ${details.counterexamplePath} after ${details.numRuns} runs, ${details.numShrinks} shrinks\n${(details.errorInstance as Error)?.message}\n${JSON.stringify(scenario)}\n`,
	);
	if (values.show) await show(scenario, built);
	return 1;
}

/** Prints a history step by step. */
async function show(scenario: Scenario, built: BuiltPackage): Promise<void> {
	const { world, provider, broken } = await simulate(scenario, built);
	const lines = [
		...world.story,
		...provider.tasks.map((task) => JSON.stringify(task)),
		...world.rows.map(({ id, status }) => `${id} ${status}`),
		...broken,
	];
	process.stdout.write(`${lines.join('\n')}\n`);
}

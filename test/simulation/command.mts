import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { BuiltPackage } from './builtNode.mts';
import { scenarios } from './draw.mts';
import type { Place } from './judge.mts';
import { PLAIN } from './scenario.mts';
import type { Scenario } from './scenario.mts';
import { digestOf, simulate } from './simulate.mts';

/** Every so many runs, the same history is played twice: it must be the same to the byte. */
const REPEATED = 100;

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
		const scenario = { ...PLAIN, ...(JSON.parse(values.history) as Partial<Scenario>) };
		return await show(scenario, built);
	}
	const sums = { runs: 0, items: 0, billed: 0, requests: 0, places: {} as Record<Place, number> };
	const property = fc.asyncProperty(scenarios, async (scenario: Scenario) => {
		const outcome = await simulate(scenario, built);
		sums.runs++;
		sums.items += scenario.items.length;
		sums.billed += outcome.billed;
		sums.requests += outcome.provider.asked.length;
		for (const [place, count] of Object.entries(outcome.places) as Array<[Place, number]>) {
			sums.places[place] = (sums.places[place] ?? 0) + count;
		}
		if (outcome.broken.length > 0) throw new Error(outcome.broken.join('\n'));
		if (sums.runs % REPEATED === 0) {
			const again = await simulate(scenario, built);
			if (digestOf(again) !== digestOf(outcome)) throw new Error('the same history, another end');
		}
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
		`seed ${values.seed} path ${details.counterexamplePath} after ${details.numRuns} runs, ${details.numShrinks} shrinks\n${(details.errorInstance as Error)?.message}\n${JSON.stringify(short(scenario))}\n`,
	);
	if (values.show) await show(scenario, built);
	return 1;
}

/** @returns a history without what is as in the plain one */
function short(scenario: Scenario): Partial<Scenario> {
	const isPlain = (name: string) =>
		JSON.stringify(scenario[name as keyof Scenario]) ===
		JSON.stringify(PLAIN[name as keyof Scenario]);
	return Object.fromEntries(Object.entries(scenario).filter(([name]) => !isPlain(name)));
}

/** Prints a history step by step. @returns the exit code */
async function show(scenario: Scenario, built: BuiltPackage): Promise<number> {
	const { witness, provider, broken } = await simulate(scenario, built, true);
	const lines = [
		...witness.story,
		...provider.tasks.map((task) => JSON.stringify(task)),
		...witness.rows.map(({ id, status }) => `${id} ${status}`),
		...broken,
	];
	process.stdout.write(`${lines.join('\n')}\n`);
	return broken.length > 0 ? 1 : 0;
}

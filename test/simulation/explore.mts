import fc from 'fast-check';
import type { BuiltPackage } from './builtNode.mts';
import { scenarios } from './draw.mts';
import type { Place } from './judge.mts';
import { PLAIN } from './scenario.mts';
import type { Scenario } from './scenario.mts';
import { digestOf, simulate } from './simulate.mts';
import type { Outcome } from './simulate.mts';

/** So many histories are drawn from one seed; then comes the next one. */
const PER_SEED = 1_000;

/** Every so many histories, one is played twice: it must be the same to the byte. */
const REPEATED = 100;

export interface Sums {
	runs: number;
	items: number;
	/** Pairs of an input and something that went wrong beside it. */
	inputs: number;
	faults: number;
	requests: number;
	billed: number;
	places: Record<Place, number>;
}

export interface Failure {
	broken: string[];
	/** In its smallest form, without what is as in the plain history. */
	scenario: Partial<Scenario>;
	/** These find it again. */
	seed: number;
	path: string;
	/** Histories before it. */
	runs: number;
	shrinks: number;
}

export interface Wanted {
	runs: number;
	seed: number;
	path?: string;
	/** Of processor time: no further seed is begun after them. */
	seconds?: number;
	/** The first failure is enough as it is. */
	isQuick?: boolean;
}

/** Draws histories and plays them until one fails, which is made small. */
export async function explore(
	built: BuiltPackage,
	{ runs, seed, path, seconds = Infinity, isQuick }: Wanted,
): Promise<{ sums: Sums; failure?: Failure }> {
	const sums: Sums = {
		runs: 0,
		items: 0,
		inputs: 0,
		faults: 0,
		requests: 0,
		billed: 0,
		places: { output: 0, error: 0, database: 0, log: 0, admitted: 0 },
	};
	const inputs = new Set<number>();
	const faults = new Set<string>();
	const property = fc.asyncProperty(scenarios, async (scenario) => {
		const outcome = await simulate(scenario, built);
		if (outcome.broken.length > 0) throw new Error(outcome.broken.join('\n'));
		add(sums, scenario, outcome);
		for (const input of scenario.items) inputs.add(input);
		for (const fault of faultsOf(scenario)) faults.add(fault);
		if (sums.runs % REPEATED === 0) {
			const again = await simulate(scenario, built);
			if (digestOf(again) !== digestOf(outcome)) throw new Error('the same history ends otherwise');
		}
	});
	let failure: Failure | undefined;
	for (let begun = 0; begun < runs && !failure && secondsSpent() < seconds; begun += PER_SEED) {
		const numRuns = Math.min(PER_SEED, runs - begun);
		const drawn = { numRuns, seed: seed + begun / PER_SEED, path, endOnFailure: isQuick };
		failure = failureOf(await fc.check(property, drawn), begun);
	}
	sums.inputs = inputs.size;
	sums.faults = faults.size;
	return { sums, failure };
}

function failureOf(details: fc.RunDetails<[Scenario]>, begun: number): Failure | undefined {
	if (!details.failed) return undefined;
	const [scenario] = details.counterexample as [Scenario];
	return {
		broken: String((details.errorInstance as Error | null)?.message).split('\n'),
		scenario: short(scenario),
		seed: details.seed,
		path: details.counterexamplePath ?? '',
		runs: begun + details.numRuns,
		shrinks: details.numShrinks,
	};
}

function add(sums: Sums, { items }: Scenario, { billed, places, provider }: Outcome): void {
	sums.runs++;
	sums.items += items.length;
	sums.billed += billed;
	sums.requests += provider.asked.length;
	for (const [place, count] of Object.entries(places)) sums.places[place as Place] += count;
}

/** What went wrong in a history, each kind of it once. */
function faultsOf(scenario: Scenario): string[] {
	const { creations, looks, lists, files, callbacks, tasks, deaths, stalls, stop, timeout } =
		scenario;
	const kind = (name: string, fate: object) =>
		`${name} ${Object.entries(fate)
			.filter(([key]) => !['ms', 'reading', 'claiming', 'seconds'].includes(key))
			.map(([, value]) => String(value))
			.join(' ')}`;
	return [
		...creations.map((fate) => kind('create', fate)),
		...looks.map((fate) => kind('look', fate)),
		...lists.map((fate) => kind('list', fate)),
		...files.map((fate) => kind('file', fate)),
		...callbacks.map((fate) => kind('callback', fate)),
		...tasks.map((fate) => kind('task', fate)),
		...deaths.map((step) => `killed at step ${step}`),
		...stalls.map((after) => `stalled after ${after} s`),
		...(stop === undefined ? [] : [`stopped after ${stop} s`]),
		...(timeout === undefined ? [] : [`timed out after ${timeout} s`]),
	];
}

/** @returns a history without what is as in the plain one */
function short(scenario: Scenario): Partial<Scenario> {
	const isPlain = (name: keyof Scenario) =>
		JSON.stringify(scenario[name]) === JSON.stringify(PLAIN[name]);
	const entries = Object.entries(scenario);
	return Object.fromEntries(entries.filter(([name]) => !isPlain(name as keyof Scenario)));
}

/** Of the processor, since the process began. */
function secondsSpent(): number {
	const { user, system } = process.cpuUsage();
	return (user + system) / 1e6;
}

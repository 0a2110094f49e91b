import { SECRETS } from './answers.mts';
import { HUGE } from './inputs.mts';
import { RECOVERY_EVERY_MS } from './n8n.mts';
import type { Asked, Provider, Task } from './provider.mts';
import type { Scenario } from './scenario.mts';
import type { Witness } from './witness.mts';

/** Where the ID of a billed task is found; `admitted`: a message says that one may exist. */
export type Place = 'output' | 'error' | 'database' | 'log' | 'admitted';

/** What must hold when everything has settled, and how the money is known. */
export interface Verdict {
	broken: string[];
	billed: number;
	places: Record<Place, number>;
}

/** Slack for sleeps, restarts and the person, in milliseconds. */
const SLACK_MS = 60 * 60_000;

/** The shortest pauses between two looks at a task, in milliseconds: jittered, and as the schedule says. */
const SHORTEST_LOOK_MS = 2_500;
const FIXED_JITTER_MS = 1;

/** Milliseconds: a sleep that ends by a timer is not shorter. */
const SHORTEST_SLEEP_MS = 59_000;

export function judge(
	scenario: Scenario,
	witness: Witness,
	provider: Provider,
	hasEnded: boolean,
): Verdict {
	const places: Verdict['places'] = { output: 0, error: 0, database: 0, log: 0, admitted: 0 };
	const billed = provider.tasks.filter(({ isBilled }) => isBilled);
	const broken = [
		...witness.faults,
		...(hasEnded ? [] : ['something does not end']),
		...paidTwice(scenario, witness, billed),
		...lost(scenario, witness, billed, places),
		...wrongItems(scenario, witness, provider.tasks),
		...secretsIn(witness),
		...spoiled(scenario, witness, provider.tasks),
		...late(scenario, witness),
		...hasty(scenario, witness, provider),
		...unheard(scenario, witness, provider),
		...stale(scenario, witness),
		...tooMany(scenario, witness, billed),
		...unanswered(scenario, witness),
	];
	return { broken, billed: billed.length, places };
}

/** Each further task of an item needs a retry of a person who had been told of the one before. */
function paidTwice(
	{ mode, agent, version, stalls }: Scenario,
	witness: Witness,
	tasks: Task[],
): string[] {
	const { told, retries, revived, overwritten } = witness;
	// A sub-workflow does not see what its parent's earlier try has paid: the docs say so.
	const isParents = mode === 'subWorkflow';
	// 1.88 may run an execution on two workers at once: one tells that a task may exist before the other makes it.
	const isByTwo = version === '1.88' && stalls.length > 0;
	// n8n 1.88 runs an execution beside its retry, or on two workers that write the same row in the same moment.
	if (revived.length > 0 || overwritten.length > 0 || isUnmarked(mode, witness)) return [];
	return [...groups(tasks)].flatMap(([marker, paid]) =>
		paid.slice(1).flatMap((task, index) => {
			const before = paid[index];
			const toldUntil = (then: number) =>
				told.filter(
					({ item, round, at }) =>
						`round ${round} ${item}` === marker && (isByTwo || at >= before.madeAt) && at <= then,
				);
			// A model that reads that its task has come to nothing, and asks again, wants another one.
			const isWanted =
				agent !== 'none' && toldUntil(task.madeAt).some(({ isGivenUp }) => isGivenUp);
			const isKnowing = retries.some(
				(at) =>
					at <= task.madeAt && (toldUntil(at).length > 0 || (isParents && at >= before.madeAt)),
			);
			return isKnowing || isWanted
				? []
				: [`the item [${marker}] is paid again, and no person knew: ${before.id}, ${task.id}`];
		}),
	);
}

/** A mark was not taken, and the execution was none that a person had retried: only there, nothing is sent without marks. */
function isUnmarked(mode: Scenario['mode'], { unmarked }: Witness): boolean {
	// A retry of its parent begins a sub-workflow anew.
	return unmarked.some((retries) => retries === 0 || mode === 'subWorkflow');
}

function groups(tasks: Task[]): Map<string, Task[]> {
	const found = new Map<string, Task[]>();
	for (const task of tasks) found.set(task.marker, [...(found.get(task.marker) ?? []), task]);
	return found;
}

/** Each billed task is known by its ID, or the item's error, or the log, says that one may exist. */
function lost(
	scenario: Scenario,
	witness: Witness,
	tasks: Task[],
	places: Verdict['places'],
): string[] {
	const outputs = JSON.stringify(witness.ended);
	const errors = witness.shown.join('\n');
	const stored = storedContexts(witness);
	const log = [...witness.log, ...witness.hints].join('\n');
	// A parent's retry begins a sub-workflow that looks for its own tasks alone.
	const isNamed =
		isListReliable(scenario) &&
		!isUnmarked(scenario.mode, witness) &&
		(scenario.mode !== 'subWorkflow' || witness.retries.length === 0);
	return tasks.flatMap(({ id, marker, visibleAt }) => {
		const [round, item] = marker.split(' ').slice(1).map(Number);
		if (outputs.includes(id)) places.output++;
		else if (errors.includes(id)) places.error++;
		else if (stored.includes(id)) places.database++;
		else if (log.includes(id)) places.log++;
		else {
			const told = witness.told.find((each) => each.item === item && each.round === round);
			if (isNamed && told !== undefined && told.at > visibleAt) {
				return [`task ${id} of [${marker}] is billed, listed, and not named`];
			}
			if (told === undefined && !isCutOff(scenario, witness, item)) {
				return [`task ${id} of [${marker}] is billed and lost`];
			}
			places.admitted++;
		}
		return [];
	});
}

function storedContexts({ rows }: Witness): string {
	return JSON.stringify(rows.map(({ data }) => data.executionData.contextData));
}

/** The process was killed, or stopped: the log says what was under way. */
function isCutOff(scenario: Scenario, { log }: Witness, item: number): boolean {
	const { stop, timeout } = scenario;
	const isCut = isDisturbed(scenario) || stop !== undefined || timeout !== undefined;
	return (
		isCut &&
		log.some((line) => line.startsWith('Creating a Kling task') && line.includes(`, item ${item},`))
	);
}

function isListReliable({ provider, stop, timeout, lists }: Scenario): boolean {
	return (
		provider === 'magnific' &&
		stop === undefined &&
		timeout === undefined &&
		lists.every((fate) => fate.kind === 'fine' && fate.lag === 0)
	);
}

/** Each run of the node puts out each of its items once, in order, with the task of that very item. */
function wrongItems(scenario: Scenario, { ended, overtaken }: Witness, tasks: Task[]): string[] {
	const markerOf = new Map(tasks.map(({ id, marker }) => [id, marker]));
	const seen = new Set<string>();
	return ended.flatMap(({ execution, run, items, error }) => {
		if (error) return [];
		const problems: string[] = [];
		const place = `${execution} ${run}`;
		const mayComeTwice = isDoubled(scenario) || overtaken.includes(execution);
		if (seen.has(place) && !mayComeTwice) problems.push(`run ${place} comes out twice`);
		seen.add(place);
		const pairs = items.map(({ pairedItem }) => (pairedItem as { item: number }).item).join();
		const expected = scenario.items.map((_, item) => item).join();
		if (pairs !== expected) {
			problems.push(`run ${place} puts out the items ${pairs} of ${expected}`);
		}
		for (const { json, pairedItem } of items) {
			const { item } = pairedItem as { item: number };
			const { taskId } = { ...(json.details as object), ...json } as { taskId?: string };
			const marker = markerOf.get(taskId ?? '');
			if (marker !== undefined && !marker.endsWith(` ${item}`)) {
				problems.push(`item ${item} of run ${place} has the task of [${marker}]`);
			}
			if (json.error === undefined && marker === undefined) {
				problems.push(`item ${item} of run ${place} has neither a task nor an error`);
			}
		}
		return problems;
	});
}

/** Where nothing goes wrong, every item comes out with its task; with an error only where the task has ended so. */
function spoiled(scenario: Scenario, { ended }: Witness, tasks: Task[]): string[] {
	if (!isSmooth(scenario)) return [];
	return ended.flatMap(({ execution, run, items, error }) => {
		const isOfTask = (text: string) =>
			tasks.some(({ id, fate }) => fate.end !== 'completed' && text.includes(id));
		const texts = error
			? [error.message]
			: items.flatMap(({ json }) =>
					json.error === undefined ? [] : [`${JSON.stringify(json.details)} ${String(json.error)}`],
				);
		return texts
			.filter((text) => !isOfTask(text))
			.map((text) => `run ${execution} ${run} fails for no reason: ${text}`);
	});
}

/** Every host answers as it should, n8n runs undisturbed, and nothing is refused. */
function isSmooth(scenario: Scenario): boolean {
	const { creations, looks, lists, files, items, maxTasks, outages, stop, timeout } = scenario;
	const isFine = ({ kind }: { kind: string }) => kind === 'fine';
	return (
		[...creations, ...looks, ...lists, ...files].every(isFine) &&
		stop === undefined &&
		timeout === undefined &&
		!items.includes(HUGE) &&
		maxTasks === 0 &&
		outages.length === 0 &&
		!isDoubled(scenario)
	);
}

/** n8n itself may run an execution twice: it was begun again, or 1.88 lets two resumes through. */
function isDoubled(scenario: Scenario): boolean {
	return isDisturbed(scenario) || scenario.version === '1.88';
}

/** A process is killed, or held for gone. */
function isDisturbed(scenario: Scenario): boolean {
	return killsOf(scenario) + scenario.stalls.length > 0;
}

function killsOf({ deaths, kills, creations }: Scenario): number {
	const deadly = creations.filter(({ kind }) => kind === 'deadly');
	return deaths.length + kills.length + deadly.length;
}

function secretsIn(witness: Witness): string[] {
	const texts: Record<string, string[]> = {
		output: witness.shown,
		end: [JSON.stringify(witness.ended)],
		log: witness.log,
		hints: witness.hints,
		editor: witness.messages,
		database: [storedContexts(witness)],
	};
	return Object.entries(texts).flatMap(([place, list]) =>
		Object.entries(SECRETS).flatMap(([name, secret]) => {
			const found = list.find((text) => text.includes(secret));
			return found === undefined ? [] : [`${place} shows ${name}: ${found.slice(0, 600)}`];
		}),
	);
}

/** Everything ends by its deadline. */
function late(scenario: Scenario, { rows }: Witness): string[] {
	const { tries, rounds, items, waitLimit, restart, topology, asksAgain } = scenario;
	const perItem = (2 * waitLimit + 20) * 60_000;
	const unfound = topology === 'queue' ? RECOVERY_EVERY_MS : 0;
	const disturbed = killsOf(scenario) * (restart * 1000 + unfound);
	const longest = tries * (1 + asksAgain) * rounds * items.length * perItem + disturbed + SLACK_MS;
	return rows.flatMap(({ id, startedAt, endedAt = Infinity }) =>
		endedAt - startedAt > longest
			? [`execution ${id} takes ${(endedAt - startedAt) / 60_000} minutes`]
			: [],
	);
}

/** Nothing is asked more often than the schedule allows, nor sooner than an answer has asked for. */
function hasty(scenario: Scenario, { turns }: Witness, { asked, tasks }: Provider): string[] {
	const problems: string[] = [];
	const before = new Map<string, Asked>();
	const atDeadline = new Set<string>();
	// A link that is missing at the deadline is asked for at the node's own pace.
	const linkless = tasks.filter(({ fate }) => fate.end === 'noLink').map(({ id }) => id);
	const shortestOf = (id: string) =>
		scenario.pollInterval > 0 && !linkless.includes(id)
			? scenario.pollInterval * 1000 - FIXED_JITTER_MS
			: Math.min(SHORTEST_LOOK_MS, scenario.pollInterval * 1000 || Infinity);
	// A file that does not come has its link looked up anew: another schedule.
	const looks = scenario.download ? [] : asked.filter(({ kind }) => kind === 'look');
	for (const look of looks) {
		const place = `${look.turn} ${look.about}`;
		const last = before.get(place);
		before.set(place, look);
		if (!last || look.at - last.at >= Math.max(shortestOf(look.about), last.pause)) continue;
		// The last look comes at the deadline.
		if (atDeadline.has(place)) {
			problems.push(`task ${look.about} is looked at again after ${look.at - last.at} ms`);
		}
		atDeadline.add(place);
	}
	const creations = asked.filter(({ kind }) => kind === 'create');
	for (const [index, { at, turn }] of creations.entries()) {
		const last = creations[index - 1];
		if (last?.turn === turn && at - last.at < last.pause) {
			problems.push(`a request is sent again ${at - last.at} ms after the answer asked to wait`);
		}
	}
	for (const [index, { execution, at, cause }] of turns.entries()) {
		const last = turns.slice(0, index).findLast((turn) => turn.execution === execution);
		if (cause === 'timer' && last && last.cause === 'timer' && at - last.at < SHORTEST_SLEEP_MS) {
			const isTry = scenario.tries > 1 || scenario.rounds > 1 || isDoubled(scenario);
			if (!isTry) problems.push(`execution ${execution} wakes after ${at - last.at} ms`);
		}
	}
	return problems;
}

/** A turn that a callback has begun looks at the tasks, where nothing hinders it. */
function unheard(scenario: Scenario, { turns }: Witness, { asked }: Provider): string[] {
	// Further tries and rounds are calls of the node of their own.
	if (!isSmooth(scenario) || scenario.tries > 1 || scenario.rounds > 1) return [];
	const looking = new Set(asked.filter(({ kind }) => kind === 'look').map(({ turn }) => turn));
	return turns.flatMap(({ execution, cause }, index) =>
		cause === 'call' && !looking.has(index + 1)
			? [`a callback wakes execution ${execution}, and no task is looked at`]
			: [],
	);
}

/** A call that n8n has read the execution for before another turn wakes it no more. 1.88 does not tell the node. */
function stale({ version }: Scenario, witness: Witness): string[] {
	if (version !== '2.41') return [];
	return witness.stale.map((id) => `a call resumes execution ${id} with old data`);
}

/** Max Tasks per Execution holds, whoever dies; over its retries too, where n8n tells the node what is retried. */
function tooMany({ version, mode, maxTasks }: Scenario, witness: Witness, tasks: Task[]): string[] {
	const { turns, overwritten } = witness;
	if (maxTasks === 0 || overwritten.length > 0 || isUnmarked(mode, witness)) return [];
	const countsAll = version === '2.41' && mode !== 'subWorkflow';
	const paid = new Map<string, number>();
	for (const { turn } of tasks) {
		const { execution } = turns[turn - 1];
		const counted = countsAll ? 'with its retries' : execution;
		paid.set(counted, (paid.get(counted) ?? 0) + 1);
	}
	return [...paid].flatMap(([execution, count]) =>
		count > maxTasks ? [`execution ${execution} creates ${count} tasks of ${maxTasks}`] : [],
	);
}

/** A sub-workflow that sleeps leaves its parent with no answer: only where the user wants that. */
function unanswered({ mode, whileWaiting }: Scenario, { turns }: Witness): string[] {
	if (mode !== 'subWorkflow' || whileWaiting === 'sleep') return [];
	return turns.flatMap(({ execution, cause }) =>
		cause === 'timer' || cause === 'call' ? [`execution ${execution} sleeps under its parent`] : [],
	);
}

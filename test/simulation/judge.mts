import type { World } from './host.mts';
import type { Provider, Task } from './provider.mts';
import { SECRETS } from './provider.mts';
import type { Scenario } from './scenario.mts';

/** Where the ID of a billed task is found. */
export type Place = 'output' | 'error' | 'database' | 'log' | 'admitted';

/** What must hold when everything has settled, and how the money is known. */
export interface Verdict {
	broken: string[];
	billed: number;
	places: Record<Place, number>;
}

/** Slack for sleeps, restarts and the person, in milliseconds. */
const SLACK_MS = 60 * 60_000;

export function judge(
	scenario: Scenario,
	world: World,
	provider: Provider,
	hasEnded: boolean,
): Verdict {
	const places: Verdict['places'] = { output: 0, error: 0, database: 0, log: 0, admitted: 0 };
	const broken = [
		...world.faults,
		...(hasEnded ? [] : ['something does not end']),
		...paidTwice(world, provider),
		...lost(scenario, world, provider, places),
		...wrongItems(scenario, world, provider),
		...secretsIn(world),
		...late(scenario, world),
	];
	return { broken, billed: provider.tasks.length, places };
}

/** Each further task of an item needs a retry of a person who had been told before. */
function paidTwice({ told, retries }: World, { tasks }: Provider): string[] {
	const byMarker = groups(tasks);
	return [...byMarker].flatMap(([marker, paid]) =>
		paid.slice(1).flatMap((task, index) => {
			const before = paid[index];
			const isKnowing = retries.some(
				({ at }) =>
					at >= before.madeAt &&
					at <= task.madeAt &&
					told.some((each) => {
						const isOfItem = `round ${each.round} ${each.item}` === marker;
						return isOfItem && each.at <= at;
					}),
			);
			return isKnowing
				? []
				: [`the item [${marker}] is paid again, and no person knew: ${before.id}, ${task.id}`];
		}),
	);
}

function groups(tasks: Task[]): Map<string, Task[]> {
	const found = new Map<string, Task[]>();
	for (const task of tasks) found.set(task.marker, [...(found.get(task.marker) ?? []), task]);
	return found;
}

/** Each billed task is known by its ID, or the item's error, or the log, says that one may exist. */
function lost(
	scenario: Scenario,
	world: World,
	{ tasks }: Provider,
	places: Verdict['places'],
): string[] {
	const outputs = world.ended.flatMap(({ items }) => items.map((item) => JSON.stringify(item)));
	const errors = world.shown.join('\n');
	const stored = world.storedContexts();
	const log = [...world.log, ...world.hints].join('\n');
	const isListed = isListReliable(scenario);
	return tasks.flatMap((task) => {
		const { id, marker } = task;
		const [round, item] = marker.split(' ').slice(1).map(Number);
		if (outputs.some((text) => text.includes(id))) places.output++;
		else if (errors.includes(id)) places.error++;
		else if (stored.includes(id)) places.database++;
		else if (log.includes(id)) places.log++;
		else {
			const told = world.told.find((each) => each.item === item && each.round === round);
			const isShown = isListed && told !== undefined && told.at > task.visibleAt;
			if (isShown) return [`task ${id} is billed, listed, and not named`];
			const isAdmitted = told !== undefined || isCutOff(scenario, world, item);
			if (!isAdmitted) return [`task ${id} of [${marker}] is billed and lost`];
			places.admitted++;
		}
		return [];
	});
}

/** The process was killed: the log says what was under way. */
function isCutOff({ deaths, stalls, stop }: Scenario, { log }: World, item: number): boolean {
	const isCut = deaths.length > 0 || stalls.length > 0 || stop !== undefined;
	return (
		isCut &&
		log.some((line) => line.startsWith('Creating a Kling task') && line.includes(`, item ${item},`))
	);
}

function isListReliable(scenario: Scenario): boolean {
	return (
		scenario.provider === 'magnific' &&
		scenario.stop === undefined &&
		scenario.lists.every((fate) => fate.kind === 'fine' && fate.lag === 0)
	);
}

/** Each run of the node puts out each of its items once, in order, with the task of that very item. */
function wrongItems(scenario: Scenario, world: World, { tasks }: Provider): string[] {
	const isDisturbed = scenario.deaths.length > 0 || scenario.stalls.length > 0;
	const seen = new Set<string>();
	const markerOf = new Map(tasks.map(({ id, marker }) => [id, marker]));
	return world.ended.flatMap(({ execution, run, items, error }) => {
		if (error) return [];
		const problems: string[] = [];
		const place = `${execution} ${run}`;
		if (seen.has(place) && !isDisturbed) problems.push(`run ${place} comes out twice`);
		seen.add(place);
		const pairs = items.map(({ pairedItem }) => (pairedItem as { item: number }).item).join();
		const expected = scenario.items.map((_, item) => item).join();
		if (pairs !== expected)
			problems.push(`run ${place} puts out the items ${pairs} of ${expected}`);
		for (const { json, pairedItem } of items) {
			const { item } = pairedItem as { item: number };
			const id = String(
				json.taskId ?? (json.details as { taskId?: string } | undefined)?.taskId ?? '',
			);
			const marker = markerOf.get(id);
			if (marker !== undefined && !marker.endsWith(` ${item}`)) {
				problems.push(`item ${item} of run ${place} has the task of [${marker}]`);
			}
			if (json.error === undefined && marker === undefined) {
				problems.push(
					`item ${item} of run ${place} has neither a task nor an error: ${JSON.stringify(json)}`,
				);
			}
		}
		return problems;
	});
}

function secretsIn(world: World): string[] {
	const texts = {
		output: world.shown,
		end: world.ended.map((each) => JSON.stringify(each)),
		log: world.log,
		hints: world.hints,
		editor: world.messages,
		database: [world.storedContexts()],
	};
	return Object.entries(texts).flatMap(([place, list]) =>
		Object.entries(SECRETS).flatMap(([name, secret]) => {
			const found = list.find((text) => text.includes(secret));
			return found === undefined ? [] : [`${place} shows ${name}: ${found.slice(0, 600)}`];
		}),
	);
}

function late(scenario: Scenario, world: World): string[] {
	const { tries, rounds, items, waitLimit, deaths, restart } = scenario;
	const perItem = (2 * waitLimit + 20) * 60_000;
	const longest =
		tries * rounds * items.length * perItem + deaths.length * restart * 1000 + SLACK_MS;
	return world.rows.flatMap(({ id, startedAt, endedAt = Infinity }) => {
		return endedAt - startedAt > longest
			? [`execution ${id} takes ${(endedAt - startedAt) / 60_000} minutes`]
			: [];
	});
}

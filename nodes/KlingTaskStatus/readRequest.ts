import type { IExecuteFunctions } from 'n8n-workflow';
import { InvalidInput } from '../shared/errors';
import type { Options } from '../shared/parameters/readOptions';
import { readOptions } from '../shared/parameters/readOptions';
import { readBinaryField, readChoice, readFileField, readOwn } from '../shared/parameters/read';
import { allProviders, isProviderName, labelsOf, providers } from '../shared/providers';
import type { Provider } from '../shared/providers';
import { readEndpoint, readProvider } from '../shared/providers/choice';
import type { TaskRef } from '../shared/task';
import { asObject, asText, readTaskId } from '../shared/util/unknown';
import { limit, returnAll, routeByStatus } from './properties';

const OPERATIONS = ['get', 'wait', 'getMany', 'download'] as const;

export type Operation = (typeof OPERATIONS)[number];

/** One input item, checked. */
export interface Request {
	item: number;
	operation: Operation;
	provider: Provider;
	/** The task; for `getMany` there is none. */
	ref?: TaskRef;
	options: Options;
	binaryField?: string;
	isRouted: boolean;
	/** How many tasks to list. */
	limit: number;
}

/** The operation on an item, and whether the item goes to the output of its status. */
export type Routing = Pick<Request, 'operation' | 'isRouted'>;

/** Read before anything can be found wrong with the item: an error has its output, too. */
export function readRouting(context: IExecuteFunctions, item: number): Routing {
	const operation = readChoice(context, item, 'operation', 'Operation', OPERATIONS);
	const { value, problems } = hasStatus(operation)
		? readOwn(context, item, routeByStatus)
		: { value: false, problems: [] };
	if (problems.length > 0) throw new InvalidInput(problems);
	return { operation, isRouted: value === true };
}

function hasStatus(operation: Operation): boolean {
	return operation === 'get' || operation === 'wait';
}

export function readRequest(
	context: IExecuteFunctions,
	item: number,
	{ operation, isRouted }: Routing,
): Request {
	const ref = operation === 'getMany' ? undefined : readRef(context, item);
	const provider = ref ? providers[ref.provider] : readProvider(context, item);
	const { options, problems } = readOptions(context, item);
	const file = fileFieldOf(context, item, operation);
	const list = operation === 'getMany' ? readListLimit(context, item, provider) : undefined;
	const all = [...problems, ...(file?.problems ?? []), ...(list?.problems ?? [])];
	if (all.length > 0) throw new InvalidInput(all, ref ?? { provider: provider.name });
	return {
		item,
		operation,
		provider,
		ref,
		options,
		binaryField: file?.value,
		isRouted,
		limit: list?.limit ?? Infinity,
	};
}

function fileFieldOf(context: IExecuteFunctions, item: number, operation: Operation) {
	if (operation === 'download') return readBinaryField(context, item);
	return hasStatus(operation) ? readFileField(context, item) : undefined;
}

/** @returns how many tasks to list */
function readListLimit(context: IExecuteFunctions, item: number, { label, listPath }: Provider) {
	const all = readOwn(context, item, returnAll);
	const most = all.value ? { value: Infinity, problems: [] } : readOwn(context, item, limit);
	const problems = [...all.problems, ...most.problems];
	if (!listPath) {
		const others = allProviders.filter((provider) => provider.listPath);
		problems.push(`${label} has no list of tasks; Get Many works with ${labelsOf(others)}`);
	}
	return { limit: most.value as number | undefined, problems };
}

/**
 * The task that an item is about. What any Kling node puts out says it all, good items and failed
 * ones; a bare id from anywhere else belongs to the provider and endpoint chosen in the node.
 */
function readRef(context: IExecuteFunctions, item: number): TaskRef {
	const { json } = context.getInputData()[item];
	const carried = [json, asObject(json.details)].find((place) => asText(place.taskId)) ?? {};
	const given = context.getNodeParameter('taskId', item, '') || carried.taskId;
	const taskId = readTaskId(given);
	if (taskId === undefined) {
		throw new InvalidInput([
			asText(given) === undefined
				? 'Task ID is required'
				: 'Task ID must be an ID as the provider gave it: letters, digits, - and _',
		]);
	}
	const provider = readProvider(context, item);
	const isCarried = carried.taskId === taskId && isProviderName(carried.provider);
	const owner = isCarried ? providers[carried.provider as string] : undefined;
	const carriedEndpoint = owner?.endpoints.find((name) => name === carried.endpoint);
	if (owner && owner !== provider) {
		throw new InvalidInput(
			[
				`Provider is ${provider.label}, but the item's task belongs to ${owner.label}: choose that, or give Provider the expression {{ $json.provider }}`,
			],
			{ provider: owner.name, endpoint: carriedEndpoint, taskId },
		);
	}
	const endpoint = carriedEndpoint ?? readEndpoint(context, item, provider);
	return { provider: provider.name, endpoint, taskId };
}

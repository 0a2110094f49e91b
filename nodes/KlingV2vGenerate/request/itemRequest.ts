import type { IDataObject, IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import { InvalidInput } from '../../shared/errors';
import { readItems } from '../../shared/n8n/runItems';
import type { FailedItem, ErrorPolicy } from '../../shared/n8n/runItems';
import { fingerprint } from '../submit/ledger';
import { mediaIn } from '../../shared/media/media';
import type { Options } from '../../shared/parameters/options';
import { readOptions } from '../../shared/parameters/options';
import { apiProperties } from '../../shared/providers/nodeProperties';
import { isShown } from '../../shared/parameters/apiProperty';
import { binaryPropertyName, downloadVideo } from '../../shared/parameters/taskOptions';
import { providers } from '../../shared/providers';
import type { Mode, Provider } from '../../shared/providers';
import { isToolCall } from '../../shared/n8n/nodeRun';
import type { TaskRequest } from '../submit/submit';
import type { EndpointName, ProviderName, TaskRef } from '../../shared/task';
import { checkFields, checkValue, got, withoutDefaults } from '../../shared/parameters/check';

const COMPLETIONS = ['poll', 'callback', 'submitOnly'] as const;

export type Completion = (typeof COMPLETIONS)[number];

const VIDEO_SOURCES = ['url', 'binary'] as const;

/** One input item, checked: what to ask for, and what to do once it is there. */
export interface ItemRequest {
	item: number;
	request: TaskRequest;
	/** Length of the video that it asks for, in seconds. */
	seconds: number;
	completion: Completion;
	options: Options;
	/** The binary field for the video; undefined where it is not wanted. */
	binaryField?: string;
}

/**
 * Reads and checks an item's parameters; sends nothing.
 * @throws InvalidInput that names everything wrong at once
 */
function readJob(context: IExecuteFunctions, item: number): ItemRequest {
	const provider = readProvider(context, item);
	const endpoint = readEndpoint(context, item, provider);
	const completion = readChoice(context, item, 'completion', 'When to Continue', COMPLETIONS);
	const { body, problems } = readBody(context, item, provider, endpoint);
	const mode = readMode(context, item, provider);
	const { options, problems: optionProblems } = readOptions(context, item);
	const field = completion === 'submitOnly' ? undefined : readFileField(context, item);
	const all = [
		...problems,
		...mode.problems,
		...provider.rules(body, endpoint),
		...missingFields(context, item, body),
		...(completion === 'callback' ? callbackProblems(context, provider, body) : []),
		...optionProblems,
		...(field?.problems ?? []),
	];
	if (all.length > 0) throw new InvalidInput(all, { provider: provider.name, endpoint });

	const path = provider.createPath(endpoint, mode.value as Mode);
	const callbackUrl = completion === 'callback' ? resumeUrl(context) : undefined;
	return {
		item,
		request: {
			item,
			provider,
			endpoint,
			path,
			body: { ...body, ...(callbackUrl ? provider.callback?.ask(callbackUrl) : {}) },
			callbackUrl,
			// Without the address of the callback, which is another in each execution.
			requestHash: fingerprint(provider.name, path, body),
			patience: options.waitLimit,
		},
		seconds: provider.seconds(body, endpoint),
		completion,
		options,
		binaryField: field?.value,
	};
}

function missingFields(context: IExecuteFunctions, item: number, body: unknown): string[] {
	const { binary = {} } = context.getInputData()[item];
	const there = Object.keys(binary).join(', ') || 'none';
	return mediaIn(body).flatMap(({ origin, label: field }) =>
		'field' in origin && !binary[origin.field]
			? [`${field}: the item has no binary field "${origin.field}" (it has: ${there})`]
			: [],
	);
}

function callbackProblems(
	context: IExecuteFunctions,
	{ label, callback }: Provider,
	body: Record<string, unknown>,
): string[] {
	if (isToolCall(context)) {
		return ['An AI agent cannot wait for a callback: choose Return Task ID Immediately'];
	}
	if (!callback) return [`${label} cannot call back per request: choose another When to Continue`];
	return callback.isTaken(body)
		? ['Webhook URL cannot be set together with Pause Until Callback, which needs it itself']
		: [];
}

function resumeUrl(context: IExecuteFunctions): string {
	const { $execution } = context.getWorkflowDataProxy(0);
	return String(($execution as IDataObject).resumeUrl);
}

/**
 * Reads every item; nothing is sent before all of them are read, and within the user's limits.
 * @returns the jobs, or what is wrong with an item, in the order of the input
 */
export function readJobs(run: ErrorPolicy): Array<ItemRequest | FailedItem> {
	return withinLimits(
		run,
		readItems(run, (item) => readJob(run.context, item)),
	);
}

/** The spending limits hold for the whole run: beyond them, none of it is done. */
function withinLimits(
	run: ErrorPolicy,
	entries: Array<ItemRequest | FailedItem>,
): Array<ItemRequest | FailedItem> {
	const jobs = entries.filter(
		(entry) => 'request' in entry && !entry.options.validateOnly,
	) as ItemRequest[];
	if (jobs.length === 0) return entries;
	const maxTasks = Math.min(...jobs.map(({ options }) => options.maxTasks));
	const maxSeconds = Math.min(...jobs.map(({ options }) => options.maxTotalSeconds));
	const seconds = jobs.reduce((sum, job) => sum + job.seconds, 0);
	const problems: string[] = [];
	if (jobs.length > maxTasks) {
		problems.push(`This run would create ${jobs.length} tasks, and Max Tasks is ${maxTasks}`);
	}
	if (seconds > maxSeconds) {
		problems.push(
			`This run would make ${seconds} seconds of video, and Max Total Seconds is ${maxSeconds}`,
		);
	}
	if (problems.length === 0) return entries;
	return readItems(run, (item) => {
		const entry = entries[item];
		throw 'fault' in entry ? entry.fault : new InvalidInput(problems, placeOf(entry));
	});
}

/** What an item is about before there is a task, for its error to tell. */
export function placeOf({ request: { provider, endpoint } }: ItemRequest): Omit<TaskRef, 'taskId'> {
	return { provider: provider.name, endpoint };
}

/**
 * Reads a parameter that decides what is done, and so what is paid: never by a default of ours.
 * @param choices what it may be; the first stands where the user has left it alone
 * @throws InvalidInput
 */
export function readChoice<T extends string>(
	context: IExecuteFunctions,
	item: number,
	name: string,
	label: string,
	choices: readonly T[],
): T {
	const value = context.getNodeParameter(name, item, choices[0]) as T;
	if (choices.includes(value)) return value;
	throw new InvalidInput([`${label} must be one of ${choices.join(', ')}${got(value)}`]);
}

export function readProvider(context: IExecuteFunctions, item: number): Provider {
	const names = Object.keys(providers) as ProviderName[];
	return providers[readChoice(context, item, 'provider', 'Provider', names)];
}

export function readEndpoint(
	context: IExecuteFunctions,
	item: number,
	provider: Provider,
): EndpointName {
	const [only, ...others] = provider.endpoints;
	if (others.length === 0) return only;
	return readChoice(context, item, 'endpoint', 'Endpoint', provider.endpoints);
}

function readBody(
	context: IExecuteFunctions,
	item: number,
	provider: Provider,
	endpoint: EndpointName,
) {
	const videoSource = readChoice(context, item, 'videoSource', 'Reference Video', VIDEO_SOURCES);
	const scope = { provider: provider.name, endpoint, videoSource };
	const { body: fields, additionalFields } = apiProperties[provider.name];
	const shown = fields.filter((property) => isShown(property, scope));
	const top = Object.fromEntries(
		shown.map((property) => [
			property.name,
			context.getNodeParameter(property.name, item, property.default),
		]),
	);
	const more = context.getNodeParameter('additionalFields', item, {}) as Record<string, unknown>;
	const main = checkFields(shown, withoutDefaults(shown, top), scope, label);
	const extra = checkFields(additionalFields, more, scope, label);
	return {
		body: { ...main.body, ...extra.body } as Record<string, unknown>,
		problems: [...main.problems, ...extra.problems],
	};
}

function label({ displayName }: { displayName: string }): string {
	return displayName;
}

/** Magnific's mode is no field of the body, but the path's suffix. */
function readMode(context: IExecuteFunctions, item: number, { name }: Provider) {
	const { mode, body } = apiProperties[name];
	if (body.some((property) => property === mode)) return { value: mode.default, problems: [] };
	const given = context.getNodeParameter('mode', item, mode.default);
	const { value, problems } = checkValue(mode, given, mode.displayName);
	return { value: value ?? mode.default, problems };
}

/** @returns a parameter that no API knows of, or its default where it was left alone */
export function readOwn(context: IExecuteFunctions, item: number, property: INodeProperties) {
	const given = context.getNodeParameter(property.name, item, property.default);
	const { value, problems } = checkValue(property, given, property.displayName);
	return { value: problems.length > 0 ? undefined : (value ?? property.default), problems };
}

/** @returns the name of the binary field for the video, where it is wanted */
export function readFileField(
	context: IExecuteFunctions,
	item: number,
): { value?: string; problems: string[] } {
	const { value: isWanted, problems } = readOwn(context, item, downloadVideo);
	return isWanted ? readBinaryField(context, item) : { problems };
}

/** @returns the name of the binary field for the video, and what is wrong with it */
export function readBinaryField(context: IExecuteFunctions, item: number) {
	const { value, problems } = readOwn(context, item, binaryPropertyName);
	return { value: value as string | undefined, problems };
}

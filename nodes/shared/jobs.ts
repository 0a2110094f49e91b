import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { InvalidInput } from './errors';
import { readItems } from './items';
import type { Bad } from './items';
import { fingerprint } from './ledger';
import type { Options } from './options';
import { readOptions } from './options';
import { apiProperties } from './properties';
import { isShown } from './properties/apiProperty';
import { binaryPropertyName } from './properties/completion';
import { isProviderName, providers } from './providers';
import type { Mode, Provider } from './providers';
import type { Order } from './submit';
import type { EndpointName } from './task';
import { checkFields, checkValue, withoutDefaults } from './values';

export type Completion = 'poll' | 'submitOnly';

/** One input item, checked: what to ask for, and what to do once it is there. */
export interface Job {
	item: number;
	order: Order;
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
function readJob(context: IExecuteFunctions, item: number): Job {
	const provider = readProvider(context, item);
	const endpoint = readEndpoint(context, item, provider);
	const completion = context.getNodeParameter('completion', item, 'poll') as Completion;
	const { body, problems } = readBody(context, item, provider, endpoint);
	const mode = readMode(context, item, provider);
	const { options, problems: optionProblems } = readOptions(context, item);
	const isFileWanted =
		completion !== 'submitOnly' && context.getNodeParameter('downloadVideo', item, true) === true;
	const field = isFileWanted ? readBinaryField(context, item) : undefined;
	const all = [
		...problems,
		...mode.problems,
		...provider.rules(body, endpoint),
		...optionProblems,
		...(field?.problems ?? []),
	];
	if (all.length > 0) throw new InvalidInput(all);

	const path = provider.createPath(endpoint, mode.value as Mode);
	return {
		item,
		order: {
			item,
			provider,
			endpoint,
			path,
			body: body as IDataObject,
			asked: fingerprint(provider.name, path, body),
			patience: options.waitLimit,
		},
		seconds: provider.seconds(body, endpoint),
		completion,
		options,
		binaryField: field?.value,
	};
}

/**
 * Reads every item; nothing is sent before all of them are read, and within the user's limits.
 * @returns the jobs, or what is wrong with an item, in the order of the input
 */
export function readJobs(context: IExecuteFunctions): Array<Job | Bad> {
	return withinLimits(
		context,
		readItems(context, (item) => readJob(context, item)),
	);
}

/** The spending limits hold for the whole run: beyond them, none of it is done. */
function withinLimits(context: IExecuteFunctions, entries: Array<Job | Bad>): Array<Job | Bad> {
	const jobs = entries.filter((entry) => 'order' in entry);
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
	const fault = new InvalidInput(problems);
	return readItems(context, () => {
		throw fault;
	});
}

export function readProvider(context: IExecuteFunctions, item: number): Provider {
	const name = context.getNodeParameter('provider', item, 'magnific');
	if (!isProviderName(name)) throw new InvalidInput(['Provider must be magnific or muleRouter']);
	return providers[name];
}

export function readEndpoint(
	context: IExecuteFunctions,
	item: number,
	provider: Provider,
): EndpointName {
	const [only, ...others] = provider.endpoints;
	if (others.length === 0) return only;
	const name = context.getNodeParameter('endpoint', item, only) as EndpointName;
	if (!provider.endpoints.includes(name)) {
		throw new InvalidInput([`Endpoint must be one of ${provider.endpoints.join(', ')}`]);
	}
	return name;
}

function readBody(
	context: IExecuteFunctions,
	item: number,
	provider: Provider,
	endpoint: EndpointName,
) {
	const scope = { provider: provider.name, endpoint };
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

/** @returns the name of the binary field for the video, and what is wrong with it */
export function readBinaryField(context: IExecuteFunctions, item: number) {
	const { value, problems } = checkValue(
		binaryPropertyName,
		context.getNodeParameter('binaryPropertyName', item, binaryPropertyName.default),
		binaryPropertyName.displayName,
	);
	return { value: value as string | undefined, problems };
}

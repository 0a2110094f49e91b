import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { InvalidInput } from './errors';
import { fingerprint } from './ledger';
import type { WaitOptions } from './options';
import { readWaitOptions } from './options';
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
	completion: Completion;
	options: WaitOptions;
	/** The binary field for the video; undefined where it is not wanted. */
	binaryField?: string;
}

/**
 * Reads and checks an item's parameters; sends nothing.
 * @throws InvalidInput that names everything wrong at once
 */
export function readJob(context: IExecuteFunctions, item: number): Job {
	const provider = readProvider(context, item);
	const endpoint = readEndpoint(context, item, provider);
	const completion = context.getNodeParameter('completion', item, 'poll') as Completion;
	const { body, problems } = readBody(context, item, provider, endpoint);
	const mode = readMode(context, item, provider);
	const { options, problems: optionProblems } = readWaitOptions(context, item);
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
		completion,
		options,
		binaryField: field?.value,
	};
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

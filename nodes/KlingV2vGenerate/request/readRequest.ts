import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { InvalidInput } from '../../shared/errors';
import { isBinaryFile, mediaIn, withPart } from '../../shared/media/media';
import type { BinaryFile } from '../../shared/media/media';
import { isToolCall } from '../../shared/n8n/nodeRun';
import { readItems } from '../../shared/n8n/runItems';
import { checkFields, checkValue, withoutDefaults } from '../../shared/parameters/check';
import { isShown } from '../../shared/parameters/declare';
import { readOptions } from '../../shared/parameters/readOptions';
import { readChoice, readFileField } from '../../shared/parameters/read';
import type { Mode, Provider } from '../../shared/providers';
import { readEndpoint, readProvider } from '../../shared/providers/choice';
import { bodyProperties, isSent } from '../../shared/providers/nodeProperties';
import type { EndpointName } from '../../shared/task';
import { fingerprint } from '../../shared/util/fingerprint';
import { withoutSignature } from '../../shared/util/linkExpiry';
import { asObject } from '../../shared/util/unknown';
import { isHttpUrl } from '../../shared/util/urls';
import type { GenerateRun, RunItem } from '../generateRun';
import { costOf } from './cost';
import { COMPLETIONS } from './itemRequest';
import type { ItemRequest } from './itemRequest';
import { withinSpendingLimits } from './spendingLimits';

const VIDEO_SOURCES = ['url', 'binary'] as const;

/**
 * Reads every item; nothing is sent before all of them are read, and within the user's limits. An item of
 * which the ledger knows enough is not read again: its expressions may give something else by now.
 * @returns the requests, or what is wrong with an item, in the order of the input
 */
export function readRequests(run: GenerateRun): RunItem[] {
	const { context, ledger } = run;
	const items = readItems<RunItem>(
		context,
		(item) => {
			const entry = ledger.settled(item);
			return entry ? { item, entry } : readRequest(context, item);
		},
		run,
	);
	return withinSpendingLimits(run, items);
}

/**
 * Reads and checks an item's parameters; sends nothing.
 * @throws InvalidInput that names everything wrong at once
 */
function readRequest(context: IExecuteFunctions, item: number): ItemRequest {
	const provider = readProvider(context, item);
	const endpoint = readEndpoint(context, item, provider);
	const completion = readChoice(context, item, 'completion', 'When to Continue', COMPLETIONS);
	const { body: whole, problems } = readBody(context, item, provider, endpoint);
	const mode = readMode(context, item, provider);
	const { options, problems: optionProblems } = readOptions(context, item);
	const body = options.part ? withPart(whole, options.part) : whole;
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
	const seconds = provider.seconds(body, endpoint, options.part?.length);
	const files = filesIn(body);
	const { parameters } = context.getNode();
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
			requestHash: fingerprint(provider.name, path, withoutSignatures(body), files),
			sourceHash: fingerprint(parameters, context.getInputData()[item].json, files),
			patience: options.waitLimit,
		},
		seconds,
		estimatedCost: costOf(seconds, options.pricePerSecond),
		completion,
		options,
		includeInput: options.includeInput,
		binaryField: field?.value,
	};
}

/** @returns the body as a text that is the same where its links have only been signed anew */
function withoutSignatures(body: Record<string, unknown>): string {
	return JSON.stringify(body, (_name, value: unknown) =>
		isHttpUrl(value) ? withoutSignature(value) : value,
	);
}

/** Finds the files that the body only names. @returns a sentence for each that is not there */
function missingFields(context: IExecuteFunctions, item: number, body: unknown): string[] {
	const input = context.getInputData()[item];
	const { binary = {} } = input;
	const there = [...Object.keys(binary), ...Object.keys(asObject(input.json[FILES_IN_JSON]))];
	return mediaIn(body).flatMap(({ origin, label: field }) => {
		if (!('field' in origin)) return [];
		origin.file ??= fileIn(input, origin.field);
		return origin.file
			? []
			: [
					`${field}: the item has no binary field "${origin.field}" (it has: ${there.join(', ') || 'none'})`,
				];
	});
}

/** A request only names the fields of its files. @returns the facts by which the same files are known again in another execution */
function filesIn(body: unknown): unknown[] {
	return mediaIn(body).flatMap(({ origin }) => {
		if (!('file' in origin)) return [];
		const { fileName, mimeType, fileSize, bytes } = asObject(origin.file);
		return [[fileName, mimeType, fileSize, bytes]];
	});
}

/** Where n8n keeps the files of an item in a workflow whose Binary Mode is "combined". */
const FILES_IN_JSON = '_files';

/** @param name of a field, or a path into the item's JSON, as n8n's own nodes take it in that mode */
function fileIn({ binary = {}, json }: INodeExecutionData, name: string): BinaryFile | undefined {
	const atPath = name.split('.').reduce<unknown>((value, key) => asObject(value)[key], json);
	return [binary[name], asObject(json[FILES_IN_JSON])[name], atPath].find(isBinaryFile);
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

function readBody(
	context: IExecuteFunctions,
	item: number,
	provider: Provider,
	endpoint: EndpointName,
) {
	const videoSource = readChoice(context, item, 'videoSource', 'Reference Video', VIDEO_SOURCES);
	const scope = { provider: provider.name, endpoint, videoSource };
	const { additionalFields } = provider.parameters;
	const shown = bodyProperties(provider).filter((property) => isShown(property, scope));
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

/** Where the mode is no field of the body, it is a part of the path. */
function readMode(context: IExecuteFunctions, item: number, { parameters: { mode } }: Provider) {
	if (isSent(mode)) return { value: mode.default, problems: [] };
	const given = context.getNodeParameter('mode', item, mode.default);
	const { value, problems } = checkValue(mode, given, mode.displayName);
	return { value: value ?? mode.default, problems };
}

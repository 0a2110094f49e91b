import { randomUUID } from 'node:crypto';
import type { IBinaryData, IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { InvalidInput, KlingError } from '../../shared/errors';
import type { Provider, Ticket } from '../../shared/providers';
import { asText, excerpt } from '../../shared/util/unknown';
import { readAccount } from '../../shared/http/credential';
import { BOUNDED, readBoundedJson } from '../../shared/http/boundedJson';
import { refusal } from '../../shared/http/refusal';
import type { GenerateRun } from '../generateRun';
import { placeOf } from '../request/itemRequest';
import type { ItemRequest, TaskRequest } from '../request/itemRequest';
import { backOff, post, timeToSend } from '../../shared/http/transport';
import type { Answer } from '../../shared/http/answer';
import { binarySource } from '../../shared/media/binarySource';
import { isFault } from '../../shared/media/fault';
import { decode, mimeTypeOf, replaceMedia } from '../../shared/media/media';
import type { Media, Part } from '../../shared/media/media';
import { PUBLIC_ADDRESS_ADVICE } from '../../shared/n8n/publicAddress';
import { timing } from '../../shared/timing';
import { fingerprint } from '../../shared/util/fingerprint';
import { ClipFile } from './clipFile';
import type { File } from './clipFile';
import { ticketProblem, uploadHeaders } from './ticket';

/**
 * Makes files that only n8n has reachable for the provider: uploaded where the API takes uploads,
 * else images as Base64, and videos as a signed link to n8n's own store. Nothing of it costs money.
 */

/** A signed link to n8n's store has to last until the provider has fetched it. */
const LINK_LIFETIME = '1 day';

/**
 * @returns why the file could not be lent, or undefined where it can; asked before anything is paid
 */
export async function provideProblem(
	context: IExecuteFunctions,
	{ provider }: TaskRequest,
	{ kind, origin, part, label: field }: Media,
	isOutOfReach: (hostname: string) => boolean,
): Promise<string | undefined> {
	if (provider.upload || kind === 'image' || (!('field' in origin) && !part)) return undefined;
	const { label } = provider;
	const advice = part
		? 'put that part alone where it has a public URL'
		: 'put the file where it has a public URL and choose Reference Video: URL';
	const data = 'field' in origin ? origin.file : await storedSample(context);
	if (!data?.id || !('createBinarySignedUrl' in context.helpers)) {
		return `${field}: ${label} takes videos by URL only, and this n8n keeps binary data in memory, which has none: ${advice}`;
	}
	const { host, hostname } = new URL(context.helpers.createBinarySignedUrl(data, LINK_LIFETIME));
	if (!isOutOfReach(hostname)) return undefined;
	return `${field}: ${label} takes videos by URL only, and cannot fetch one from n8n at ${host}, which is no public address: ${PUBLIC_ADDRESS_ADVICE}, or ${advice}`;
}

/** How n8n keeps binary data, and at which address, only a file in its store tells. */
async function storedSample({ helpers }: IExecuteFunctions): Promise<IBinaryData> {
	return await helpers.prepareBinaryData(Buffer.from('sample'), 'sample.txt', 'text/plain');
}

/** @returns the body as it is sent: a text in place of each video and image */
export async function provideMedia(run: GenerateRun, item: ItemRequest): Promise<IDataObject> {
	const provided = await replaceMedia(
		item.request.body,
		async (media) => await provideOne(run, item, media),
	);
	return provided as IDataObject;
}

async function provideOne(run: GenerateRun, item: ItemRequest, media: Media): Promise<string> {
	const { context } = run;
	const { origin, part } = media;
	if (part) return await handOver(run, item, media);
	if ('url' in origin) return origin.url;
	if (item.request.provider.upload) return await handOver(run, item, media);
	if ('base64' in origin) return origin.base64;
	const data = origin.file as IBinaryData;
	const { helpers } = context;
	if (media.kind === 'video') return helpers.createBinarySignedUrl(data, LINK_LIFETIME);
	if (!data.id) return data.data;
	const bytes = await helpers.binaryToBuffer(await helpers.getBinaryStream(data.id));
	return bytes.toString('base64');
}

/** Uploads a file, or puts it into n8n's store: once for all turns, tries and items that need it. */
async function handOver(run: GenerateRun, item: ItemRequest, media: Media): Promise<string> {
	const { provider } = item.request;
	const { origin, part } = media;
	const data = 'field' in origin ? origin.file : undefined;
	// A file in memory has no ID: within the run, its item tells it from others. Calls of an agent share a run.
	const id = data && (data.id ?? [run.index, item.item, run.isTool ? randomUUID() : '']);
	const key = fingerprint(provider.name, media.kind, media, id);
	const known = run.handedOver.find(key);
	if (known) {
		if (part) item.clip = known.clip;
		return known.url;
	}
	const file = part
		? await clipFile(run, item, media, part)
		: await fileOf(run.context, item.item, media, provider.upload?.types ?? []);
	const bring = provider.upload ? upload : store;
	const url = await bring(run, provider, file, media);
	run.handedOver.add(key, url, part && item.clip);
	return url;
}

async function clipFile(
	run: GenerateRun,
	item: ItemRequest,
	media: Media,
	part: Part,
): Promise<File> {
	// A further turn has not looked at the file yet, and it may be another by now.
	const problems = await run.clips.planFor(item);
	const clip = await run.clips.plan(item.item, media, part);
	if (isFault(clip) || problems.length > 0) throw new InvalidInput(problems, placeOf(item));
	return new ClipFile(clip);
}

/** Puts a file into n8n's store. @returns a signed link to it */
async function store(
	{ context }: GenerateRun,
	provider: Provider,
	file: File,
	{ label }: Media,
): Promise<string> {
	const name = file.mimeType === 'video/quicktime' ? 'clip.mov' : 'clip.mp4';
	const bytes = await file.open();
	try {
		const data = await context.helpers.prepareBinaryData(bytes, name, file.mimeType);
		return context.helpers.createBinarySignedUrl(data, LINK_LIFETIME);
	} catch (error) {
		throw notUploaded(provider, label, file.fault?.reason ?? (error as Error).message);
	}
}

/** @param types those that the provider takes; files of the same content go by other names, too */
async function fileOf(
	context: IExecuteFunctions,
	item: number,
	{ origin, kind }: Media,
	types: readonly string[],
): Promise<File> {
	if (!('field' in origin)) {
		const { bytes, mimeType } = decode('base64' in origin ? origin.base64 : '');
		return { open: async () => bytes, size: bytes.length, mimeType };
	}
	const { helpers } = context;
	const file = origin.file as IBinaryData;
	const { id, data, mimeType, bytes } = file;
	const isNamed = types.includes(mimeType) && mimeType.startsWith(`${kind}/`);
	const named = isNamed ? mimeType : kind === 'video' ? 'video/mp4' : 'image/png';
	if (!id) {
		const inMemory = Buffer.from(data, 'base64');
		const type = isNamed || kind === 'video' ? named : mimeTypeOf(inMemory);
		return { open: async () => inMemory, size: inMemory.length, mimeType: type };
	}
	return {
		open: async () => await helpers.getBinaryStream(id),
		// Older n8n does not keep the size with the item.
		size: bytes ?? (await helpers.getBinaryMetadata(id)).fileSize,
		mimeType: isNamed || kind === 'video' ? named : await storedType(context, item, file),
	};
}

/** Some nodes name every file "application/octet-stream": what an image is, its first bytes say. */
async function storedType(context: IExecuteFunctions, item: number, file: IBinaryData) {
	const source = await binarySource(context, item, file);
	const head = isFault(source) ? source : await source.read(0, 8);
	if (!isFault(source)) source.close?.();
	return isFault(head) ? 'image/png' : mimeTypeOf(head);
}

/**
 * A ticket from the API, then the bytes to the address on it: streamed, with the headers that the ticket
 * names and an upload needs, and without the key - it is another host.
 */
async function upload(
	run: GenerateRun,
	provider: Provider,
	file: File,
	{ label }: Media,
): Promise<string> {
	const { context, clock } = run;
	const { path, body, readTicket } = provider.upload as NonNullable<Provider['upload']>;
	const giveUpAt = clock.now() + timing.http.outage;
	const { base } = await readAccount(context, provider);
	for (let tries = 1; ; tries++) {
		clock.check();
		const answer = await post(context, provider, path, body(file.mimeType));
		const ticket = answer.status === 200 ? readTicket(answer.body) : undefined;
		const problem = ticket && ticketProblem(ticket, base);
		if (problem) throw notUploaded(provider, label, problem);
		const failure = ticket
			? await put(run, provider, ticket, file, label)
			: refusal(provider, answer, {});
		if (ticket && !failure) return ticket.assetUrl;
		const isBusy = didNothing(answer);
		const pause = isBusy ? backOff(answer, tries, clock) : timing.upload.pause * tries;
		const isLast = isBusy ? clock.now() + pause > giveUpAt : tries >= timing.upload.maxTries;
		const isFinal = !isBusy && answer.status >= 400 && answer.status < 500;
		if (isFinal || isLast) throw failure;
		await clock.pause(pause);
	}
}

/** Nothing of this costs money: whatever passes by itself is tried again. */
function didNothing({ status, failure }: Answer): boolean {
	return status === 429 || status === 503 || failure?.sent === false;
}

/** @returns why the host did not take the file, or undefined where it did */
async function put(
	{ context, signal }: GenerateRun,
	provider: Provider,
	ticket: Ticket,
	file: File,
	label: string,
): Promise<KlingError | undefined> {
	const bytes = await file.open();
	const ending = new AbortController();
	const disconnect = () => ending.abort();
	try {
		const response = await context.helpers.httpRequest({
			...BOUNDED,
			method: 'PUT',
			url: ticket.uploadUrl,
			headers: {
				...BOUNDED.headers,
				...uploadHeaders(ticket),
				'content-length': String(file.size),
			},
			body: bytes,
			// To follow a redirect, the whole file would be kept in memory.
			disableFollowRedirect: true,
			ignoreHttpStatusErrors: true,
			timeout: timeToSend(timing.upload.timeout, file.size),
			abortSignal: AbortSignal.any([signal, ending.signal]),
		});
		const { statusCode: status } = response;
		const isTaken = status >= 200 && status < 300;
		const said = isTaken ? '' : await readBoundedJson(response, disconnect).catch(() => '');
		const reason = `HTTP ${status} ${excerpt(asText(said) ?? '', 120)}`.trim();
		return isTaken ? undefined : notUploaded(provider, label, reason);
	} catch (error) {
		const reason = file.fault?.reason ?? excerpt((error as Error).message, 120);
		return notUploaded(provider, label, reason);
	} finally {
		// Of a request that failed, nobody else closes the file; and of an answer, nobody reads the rest.
		if (!Buffer.isBuffer(bytes)) bytes.destroy();
		disconnect();
	}
}

function notUploaded(provider: Provider, label: string, reason: string): KlingError {
	return new KlingError(
		`${label}: the file could not be uploaded to ${provider.label}: ${reason}`,
		'No task was created and nothing was billed. Run again later, or give a public URL.',
		{ provider: provider.name, reason, retryable: true },
	);
}

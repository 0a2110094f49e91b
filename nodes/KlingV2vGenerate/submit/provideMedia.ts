import type { IBinaryData, IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { KlingError } from '../../shared/errors';
import { isPrivateHost } from '../../shared/util/urls';
import type { Provider, Ticket } from '../../shared/providers';
import { asText, excerpt } from '../../shared/util/unknown';
import { readAccount } from '../../shared/http/credential';
import { refusal } from '../../shared/http/refusal';
import type { NodeRun } from '../../shared/n8n/nodeRun';
import type { TaskRequest } from '../request/itemRequest';
import { backOff, post, timeToSend } from '../../shared/http/transport';
import type { Answer } from '../../shared/http/answer';
import { binarySource } from '../../shared/media/binarySource';
import { isFault } from '../../shared/media/fault';
import { decode, mimeTypeOf, replaceMedia } from '../../shared/media/media';
import type { Media } from '../../shared/media/media';
import { PUBLIC_ADDRESS_ADVICE } from '../../shared/n8n/publicAddress';
import { timing } from '../../shared/timing';
import { ticketProblem, uploadHeaders } from './ticket';

/**
 * Makes files that only n8n has reachable for the provider: uploaded where the API takes uploads,
 * else images as Base64, and videos as a signed link to n8n's own store. Nothing of it costs money.
 */

type Bytes = Parameters<IExecuteFunctions['helpers']['prepareBinaryData']>[0];

/** A file to hand on: its bytes are read when they are sent, and only once. */
interface File {
	open(): Promise<Bytes>;
	size: number;
	mimeType: string;
}

/** A signed link to n8n's store has to last until the provider has fetched it. */
const LINK_LIFETIME = '1 day';

/**
 * @returns why the file could not be lent, or undefined where it can; asked before anything is paid
 */
export function provideProblem(
	context: IExecuteFunctions,
	{ provider, item }: TaskRequest,
	media: Media,
	apiHost: string,
): string | undefined {
	if (!('field' in media.origin) || provider.upload || media.kind === 'image') return undefined;
	const { label } = provider;
	const advice = 'put the file where it has a public URL and choose Reference Video: URL';
	const data = fieldOf(context, item, media.origin.field);
	if (!data?.id || !('createBinarySignedUrl' in context.helpers)) {
		return `${media.label}: ${label} takes videos by URL only, and this n8n keeps binary data in memory, which has none: ${advice}`;
	}
	const { host, hostname } = new URL(context.helpers.createBinarySignedUrl(data, LINK_LIFETIME));
	if (!isPrivateHost(hostname) || isPrivateHost(apiHost)) return undefined;
	return `${media.label}: ${label} takes videos by URL only, and cannot fetch one from n8n at ${host}, which is no public address: ${PUBLIC_ADDRESS_ADVICE}, or ${advice}`;
}

/** @returns the body as it is sent: a text in place of each video and image */
export async function provideMedia(
	run: NodeRun<IExecuteFunctions>,
	request: TaskRequest,
): Promise<IDataObject> {
	const provided = await replaceMedia(
		request.body,
		async (media) => await provideOne(run, request, media),
	);
	return provided as IDataObject;
}

async function provideOne(
	run: NodeRun<IExecuteFunctions>,
	{ provider, item }: TaskRequest,
	media: Media,
): Promise<string> {
	const { context } = run;
	const { origin } = media;
	if ('url' in origin) return origin.url;
	if (provider.upload) {
		const file = await fileOf(context, item, media, provider.upload.types);
		return await upload(run, provider, file, media);
	}
	if ('base64' in origin) return origin.base64;
	if (media.kind === 'video') {
		const data = context.helpers.assertBinaryData(item, origin.field);
		return context.helpers.createBinarySignedUrl(data, LINK_LIFETIME);
	}
	const bytes = await context.helpers.getBinaryDataBuffer(item, origin.field);
	return bytes.toString('base64');
}

function fieldOf(context: IExecuteFunctions, item: number, field: string): IBinaryData | undefined {
	return context.getInputData()[item].binary?.[field];
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
	const { id, data, mimeType, bytes } = helpers.assertBinaryData(item, origin.field);
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
		mimeType: isNamed || kind === 'video' ? named : await storedType(context, item, origin.field),
	};
}

/** Some nodes name every file "application/octet-stream": what an image is, its first bytes say. */
async function storedType(context: IExecuteFunctions, item: number, field: string) {
	const source = await binarySource(context, item, field);
	const head = isFault(source) ? source : await source.read(0, 8);
	return isFault(head) ? 'image/png' : mimeTypeOf(head);
}

/**
 * A ticket from the API, then the bytes to the address on it: streamed, with the headers that the ticket
 * names and an upload needs, and without the key - it is another host.
 */
async function upload(
	run: NodeRun<IExecuteFunctions>,
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
	{ context, signal }: NodeRun<IExecuteFunctions>,
	provider: Provider,
	ticket: Ticket,
	file: File,
	label: string,
): Promise<KlingError | undefined> {
	const bytes = await file.open();
	const response = await context.helpers
		.httpRequest({
			method: 'PUT',
			url: ticket.uploadUrl,
			headers: { ...uploadHeaders(ticket), 'content-length': String(file.size) },
			body: bytes,
			// To follow a redirect, the whole file would be kept in memory.
			disableFollowRedirect: true,
			ignoreHttpStatusErrors: true,
			returnFullResponse: true,
			timeout: timeToSend(timing.upload.timeout, file.size),
			abortSignal: signal,
		})
		.catch((error: Error) => ({ statusCode: 0, body: error.message }))
		.finally(() => {
			// Of a request that failed, nobody else closes the file.
			if (!Buffer.isBuffer(bytes)) bytes.destroy();
		});
	if (response.statusCode >= 200 && response.statusCode < 300) return undefined;
	const said = excerpt(asText(response.body) ?? '', 120);
	const reason = `${response.statusCode > 0 ? `HTTP ${response.statusCode} ` : ''}${said}`.trim();
	return notUploaded(provider, label, reason);
}

function notUploaded(provider: Provider, label: string, reason: string): KlingError {
	return new KlingError(
		`${label}: the file could not be uploaded to ${provider.label}: ${reason}`,
		'No task was created and nothing was billed. Run again later, or give a public URL.',
		{ provider: provider.name, reason, retryable: true },
	);
}

import type { IncomingMessage } from 'node:http';

/** A request as n8n hands it to a node. */
type Incoming = IncomingMessage & { rawBody?: Buffer; readRawBody?(): Promise<void> };

const PARSED = /^application\/(json|x-www-form-urlencoded)|^text\/plain|[/+]xml$/;

/** Which bodies n8n reads before it calls a node depends on the node's version (n8n's webhook-helpers.js). */
export async function readAsN8n(incoming: Incoming, typeVersion: number): Promise<Incoming> {
	const request = Object.assign(incoming, { params: {}, query: {}, readRawBody });
	const contentType = incoming.headers['content-type'] ?? '';
	if (contentType.startsWith('multipart/form-data')) {
		// The form's parser takes it, and leaves no raw body.
		await incoming.resume().toArray();
	} else if (typeVersion === 1 || PARSED.test(contentType)) {
		await request.readRawBody();
	}
	return request;
}

async function readRawBody(this: Incoming): Promise<void> {
	if (this.rawBody) return;
	if (!this.readable) throw new Error('Request body stream was aborted or is not readable');
	const chunks: Buffer[] = [];
	for await (const chunk of this) chunks.push(chunk as Buffer);
	this.rawBody = Buffer.concat(chunks);
}

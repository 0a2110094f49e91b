import type { IncomingMessage } from 'node:http';
import { parse } from 'node:querystring';
import type { INode, Workflow } from 'n8n-workflow';

/** A request as n8n hands it to a node. */
type Incoming = IncomingMessage & { rawBody?: Buffer; readRawBody?(): Promise<void> };

const PARSED = /^application\/(json|x-www-form-urlencoded)|^text\/plain|[/+]xml$/;

/** n8n's question to every node of version 1 (parseRequestBody in its webhook-helpers.js). */
const LEAVES_BODY = '={{$parameter["options"]["binaryData"]}}';

/** n8n reads some bodies before it calls a node, depending on the node's version and content type. */
export async function readAsN8n(
	incoming: Incoming,
	workflow: Workflow,
	node: INode,
): Promise<Incoming> {
	const query = { ...parse((incoming.url ?? '').split('?')[1] ?? '') };
	const request = Object.assign(incoming, { params: {}, query, readRawBody });
	const isUnread =
		node.typeVersion === 1 &&
		workflow.expression.getSimpleParameterValue(node, LEAVES_BODY, 'webhook', {}, undefined, false);
	if (isUnread) return request;
	const contentType = incoming.headers['content-type'] ?? '';
	if (contentType.startsWith('multipart/form-data')) {
		// The form's parser takes it, and leaves no raw body.
		await incoming.resume().toArray();
	} else if (node.typeVersion === 1 || PARSED.test(contentType)) {
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

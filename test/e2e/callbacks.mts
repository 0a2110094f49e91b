/** Callbacks that a provider sends to a trigger, true and forged. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Receipt } from '../../dev/emulator/client.mjs';
import { expect } from './fixtures.mts';
import type { Stage } from './stage.mts';

/** n8n says that a workflow is published some moments before it can be called. */
const NOT_YET = /is not registered/;
const MOST_CALLS = 150;

/** A provider calls again after so long. */
const CALL_AGAIN_MS = 2_000;
const MOST_TRIES = 100;

const LINK = 'https://example.com/video.mp4';

/** A callback about a task that nobody has made, as the provider would put it. */
export const invented = (provider: string) =>
	provider === 'magnific'
		? { task_id: randomUUID(), status: 'COMPLETED', generated: [LINK] }
		: {
				id: `evt_${randomUUID()}`,
				type: 'task.succeeded',
				created_at: new Date().toISOString(),
				data: {
					vendor: 'klingai',
					model_name: 'kling-v3-omni',
					payload: { task_info: { id: randomUUID(), status: 'completed' }, videos: [LINK] },
				},
			};

/**
 * @param forged what is wrong with the callback
 * @returns the answer to a workflow's first caller
 */
export async function callBack({ emulator }: Stage, taskId: string, forged = {}): Promise<Receipt> {
	for (let calls = 1; ; calls++) {
		const receipt = await emulator.callBack(taskId, forged);
		expect(receipt.error).toBe(null);
		if (!NOT_YET.test(receipt.answer) || calls >= MOST_CALLS) return receipt;
		await sleep(200);
	}
}

/** @returns a task that is finished, and of which the address is told */
export async function finishedTask(
	{ emulator }: Stage,
	{ provider, url }: { provider: string; url: string },
): Promise<string> {
	if (provider === 'muleRouter') {
		await emulator.set({ muleRouterWebhook: { url, secret: 'emulator-webhook-secret' } });
	}
	// Its own callbacks would come in between: each is sent by hand.
	await emulator.set({ callbacks: { mode: 'drop' } });
	const { taskId } = await emulator.seed({
		provider,
		status: 'completed',
		body: { webhook_url: url },
	});
	return taskId;
}

/** Calls back as a provider does: again, where the callback is not taken. @returns how often it has called */
export async function callUntilTaken(
	{ emulator }: Stage,
	taskId: string,
	url: string,
): Promise<number> {
	for (let calls = 1; ; calls++) {
		const { status } = await emulator.callBack(taskId, { url });
		if (status === 200 || calls >= MOST_TRIES) return calls;
		await sleep(CALL_AGAIN_MS);
	}
}

/** Callers who send what passes for the headers of a callback, one byte of its body, and nothing more. */
export async function callSlowly(url: string, callers: number): Promise<Socket[]> {
	const { hostname, port, pathname } = new URL(url);
	const head = [
		`POST ${pathname} HTTP/1.1`,
		`Host: ${hostname}`,
		'Content-Type: application/json',
		'Content-Length: 100',
		'Webhook-Id: any',
		`Webhook-Timestamp: ${Math.floor(Date.now() / 1000)}`,
		'Webhook-Signature: v1,any',
	];
	const call = async () => {
		const socket = connect(Number(port), hostname);
		await once(socket, 'connect');
		socket.on('error', () => {}).write(`${head.join('\r\n')}\r\n\r\n{`);
		return socket;
	};
	return await Promise.all(Array.from({ length: callers }, call));
}

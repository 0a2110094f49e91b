/** What the tests about Pause Until Callback have in common: executions that sleep, and providers that call back when told to. */
import { expect } from '@playwright/test';
import type { EmulatedTask, Receipt } from '../../dev/emulator/client.mjs';
import type { Execution } from '../../dev/server/session.mjs';
import { expectAsleep } from './expect.mts';
import type { Stage } from './stage.mts';
import type { BatchOptions, Callable } from './workflows.mts';
import { call, publishBatch } from './workflows.mts';

export const PROMPTS = ['@Video1 at dawn', '@Video1 at noon', '@Video1 at night'];

/** A published workflow that pauses until callback. */
export const publishPausing = async (
	stage: Stage,
	{ parameters, ...more }: BatchOptions = {},
): Promise<Callable> =>
	await publishBatch(stage, {
		parameters: { completion: 'callback', options: {}, ...parameters },
		...more,
	});

/**
 * Calls a workflow, and waits until its execution sleeps.
 * @returns the execution's id
 */
export async function callUntilAsleep(
	stage: Stage,
	workflow: Callable,
	prompts = PROMPTS,
): Promise<string> {
	const id = await call(stage, workflow, prompts);
	await expectAsleep(stage.instance.session, id);
	return id;
}

export const reasonOf = ({ data }: Execution): string => data.resultData.error?.message ?? '';

/** How the callbacks of all tasks were answered. */
export const receiptsOf = async ({ emulator }: Stage): Promise<Receipt[]> =>
	(await emulator.tasks()).flatMap(({ callbacks }) => callbacks);

/** The tasks are finished, and the provider calls back. All of them, if none are named. */
export async function completeAll({ emulator }: Stage, tasks?: EmulatedTask[]): Promise<void> {
	const ending = tasks ?? (await emulator.tasks());
	await emulator.complete(...ending.map(({ taskId }) => taskId));
}

/** The address that a task calls back, at another process. */
export function callbackUrl({ body }: EmulatedTask, port: number): string {
	const url = new URL(String(body.webhook_url));
	url.port = String(port);
	return url.href;
}

export async function until(
	event: string,
	holds: () => Promise<boolean>,
	timeout?: number,
): Promise<void> {
	await expect.poll(holds, { message: event, timeout }).toBe(true);
}

/** @returns a promise that several callers can wait for, and the function that settles it */
export function gate() {
	let open = () => {};
	const opened = new Promise<void>((resolve) => (open = resolve));
	return { open, opened };
}

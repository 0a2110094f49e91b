import { expect } from '@playwright/test';
import type { EmulatorClient } from '../../dev/emulator/client.mjs';
import { startEmulator } from '../../dev/emulator/client.mjs';
import { saveCredentials } from '../../dev/server/examples.mjs';
import type { CredentialReference } from '../../dev/server/session.mjs';
import type { Server } from './fixtures.mts';

export interface StageOptions {
	/** Until a task ends by itself; with `NEVER`, it ends when the test says so. */
	taskSeconds: number;
	/** Of the credentials, where a person sees them. */
	label?: string;
	/** Of the reference video's host, where a person sees it. */
	mediaPort?: number;
}

export const NEVER = 3600;

/** The providers as one test meets them: tests share a server, but what one asks for, breaks or counts is not another's. */
export interface Stage extends Server {
	emulator: EmulatorClient;
	/** By credential type. */
	credentials: Record<string, CredentialReference>;
}

let count = 0;

/**
 * Gives work an emulator of its own, with the credentials for it in n8n. Whatever the work was about, nothing may have
 * been sent that the providers' documentation forbids.
 */
export async function openStage<T>(
	server: Server,
	{
		taskSeconds = 2,
		label = `stage ${++count}`,
		mediaPort,
		log,
	}: Partial<StageOptions> & { log: string },
	work: (stage: Stage) => Promise<T>,
): Promise<T> {
	const emulator = await startEmulator({ taskSeconds, mediaPort, log });
	try {
		const credentials = await saveCredentials(server.instance.session, emulator.apiUrl, label);
		const result = await work({ ...server, emulator, credentials });
		const { violations } = await emulator.state();
		expect(violations, 'requests that break a documented contract').toEqual([]);
		return result;
	} finally {
		await emulator.stop();
	}
}

export const billedTasks = async ({ emulator }: Stage): Promise<number> =>
	(await emulator.state()).billed.total;

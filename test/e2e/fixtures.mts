import fs from 'node:fs';
import path from 'node:path';
import { test as base } from '@playwright/test';
import { scratchFolder } from '../../dev/server/cache.mjs';
import type { N8n } from '../../dev/server/install.mjs';
import { installN8n } from '../../dev/server/install.mjs';
import type { Instance, QueueInstance } from '../../dev/server/instance.mjs';
import { newOwner, startInstance, startQueueInstance } from '../../dev/server/instance.mjs';
import { packInto } from '../../dev/server/pack.mjs';
import type { Owner } from '../../dev/server/session.mjs';
import { OLDEST, OldSession } from './oldest/oldest.mjs';
import type { Stage, StageOptions } from './stage.mts';
import { openStage } from './stage.mts';

export { expect } from '@playwright/test';

export interface InstanceOptions {
	/** `sqlite`: one process; `queue`: main, two webhook processes and a worker; `oldest` and `oldestQueue`: the same of the oldest n8n. */
	kind: 'sqlite' | 'queue' | 'oldest' | 'oldestQueue';
	/** Executions at a time, of a worker. */
	concurrency: number;
	/** n8n's own variables. */
	environment: Record<string, string>;
}

/** An n8n that all tests of a worker share, and where its files are. */
export interface Server {
	instance: Instance;
	owner: Owner;
	/** Holds all of it, logs too. */
	folder: string;
	/** Where workflows may write files. */
	videos: string;
	kind: InstanceOptions['kind'];
}

interface WorkerFixtures extends InstanceOptions {
	server: Server;
	instance: Instance;
	/** The same, for tests of the project `queue`. */
	queue: QueueInstance;
}

interface TestFixtures extends StageOptions {
	/** An emulator of its own for each test, with credentials for it. */
	stage: Stage;
}

const INSTALLED_WITHIN_MS = 60 * 60_000;
const STOPPED_WITHIN_MS = 5 * 60_000;

export const test = base.extend<TestFixtures, WorkerFixtures>({
	kind: ['sqlite', { option: true, scope: 'worker' }],
	environment: [{}, { option: true, scope: 'worker' }],
	// As many as a test has under way at once.
	concurrency: [40, { option: true, scope: 'worker' }],
	server: [
		async ({ kind, environment, concurrency }, use, { project, workerIndex }) => {
			const folder = path.join(scratchFolder, `${project.name}-${workerIndex}`);
			const videos = path.join(folder, 'videos');
			fs.mkdirSync(videos, { recursive: true, mode: 0o700 });
			const owner = newOwner();
			const env = { N8N_RESTRICT_FILE_ACCESS_TO: videos, ...environment };
			const n8n = await installN8n(kind.startsWith('oldest') ? OLDEST : undefined);
			const instance = await start[kind]({ n8n, folder, owner, env, concurrency });
			await use({ instance, owner, folder, videos, kind });
			await instance.stop();
		},
		{ scope: 'worker', timeout: INSTALLED_WITHIN_MS },
	],
	instance: [async ({ server }, use) => await use(server.instance), { scope: 'worker' }],
	queue: [
		async ({ instance }, use) => await use(instance as QueueInstance),
		{ scope: 'worker', timeout: STOPPED_WITHIN_MS },
	],
	taskSeconds: [2, { option: true }],
	label: [undefined, { option: true }],
	mediaPort: [undefined, { option: true }],
	stage: async ({ server, taskSeconds, label, mediaPort }, use, testInfo) => {
		const log = testInfo.outputPath('emulator.log');
		await openStage(server, { taskSeconds, label, mediaPort, log }, use);
		if (testInfo.status === testInfo.expectedStatus) return;
		await testInfo.attach('emulator.log', { path: log });
		await testInfo.attach('n8n.log', { path: server.instance.runner.log });
	},
});

interface Starting {
	n8n: N8n;
	folder: string;
	owner: Owner;
	env: Record<string, string>;
	concurrency: number;
}

const unpack = async (userFolders: string[]) =>
	await packInto(userFolders, { log: path.join(scratchFolder, 'build.log') });

const start: Record<InstanceOptions['kind'], (options: Starting) => Promise<Instance>> = {
	sqlite: async ({ folder, ...options }) => {
		await unpack([folder]);
		return await startInstance({ userFolder: folder, ...options });
	},
	queue: async (options) => await startQueueInstance({ ...options, unpack, webhooks: 2 }),
	oldestQueue: async (options) =>
		await startQueueInstance({ ...options, unpack, webhooks: 2, SessionType: OldSession }),
	oldest: async ({ folder, env, ...options }) => {
		await unpack([folder]);
		return await startInstance({
			userFolder: folder,
			SessionType: OldSession,
			// Without a pool, n8n 1 lets its own transactions run into each other.
			env: { DB_SQLITE_POOL_SIZE: '2', ...env },
			...options,
		});
	},
};

/** Keeps what a test has measured in its report, and shows it. */
export function measured(text: string): void {
	test.info().annotations.push({ type: 'measured', description: text });
	console.log(`    ${text}`);
}

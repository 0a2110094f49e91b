// @ts-check
import { deadlineCase } from '../cases/callbacks/deadline.mjs';
import { failedCases } from '../cases/callbacks/failed.mjs';
import { killedAfterCase } from '../cases/callbacks/killedAfter.mjs';
import { killedDownloadCase } from '../cases/callbacks/killedDownload.mjs';
import { onceCase } from '../cases/callbacks/once.mjs';
import { loadCase, lostCase } from '../cases/callbacks/load.mjs';
import { killedWhileWaitingCase } from '../cases/callbacks/restart.mjs';
import { retryCases } from '../cases/callbacks/retry.mjs';
import { staleCase } from '../cases/callbacks/stale.mjs';
import { openQueueWorld } from '../worlds/queue.mjs';
import { openSqliteWorld } from '../worlds/sqlite.mjs';

/**
 * @param {import('../report.mjs').Report} report
 * @param {import('../../../dev/server/install.mjs').N8n} n8n
 */
export async function callbacks(report, n8n) {
	const group = `n8n ${n8n.version}, SQLite: callbacks`;
	const world = await report.prepare(group, 'server', () =>
		openSqliteWorld({ n8n, name: 'callbacks' }),
	);
	if (!world) return;
	try {
		await report.run(group, [
			killedWhileWaitingCase(world),
			...failedCases(world),
			...retryCases(world),
			killedDownloadCase(world),
			killedAfterCase(world),
			deadlineCase(world),
		]);
	} finally {
		await world.stop();
	}
}

/**
 * @param {import('../report.mjs').Report} report
 * @param {import('../../../dev/server/install.mjs').N8n} n8n
 */
export async function callbacksQueue(report, n8n) {
	const group = `n8n ${n8n.version}, queue mode, two webhook processes: callbacks`;
	const world = await report.prepare(group, 'servers', () =>
		openQueueWorld({ n8n, name: 'callbacks-queue', webhooks: 2, concurrency: 2 }),
	);
	if (!world) return;
	try {
		await report.run(group, [
			onceCase(world),
			staleCase(world),
			...failedCases(world),
			...retryCases(world),
		]);
	} finally {
		await world.stop();
	}
}

/**
 * @param {import('../report.mjs').Report} report
 * @param {import('../../../dev/server/install.mjs').N8n} n8n
 */
export async function callbacksLoad(report, n8n) {
	const worlds = [
		{ name: 'callbacks-load', settings: '', env: {}, cases: [loadCase, lostCase] },
		{
			name: 'callbacks-lazy',
			settings: ', sandboxes on demand',
			env: { N8N_EXPRESSION_ENGINE_LAZY_ACQUIRE: 'true' },
			cases: [loadCase],
		},
	];
	for (const { name, settings, env, cases } of worlds) {
		const group = `n8n ${n8n.version}, queue mode, one worker of two${settings}: callbacks`;
		const world = await report.prepare(group, 'servers', () =>
			openQueueWorld({ n8n, name, concurrency: 2, env }),
		);
		if (!world) return;
		try {
			await report.run(
				group,
				cases.map((each) => each(world)),
			);
		} finally {
			await world.stop();
		}
	}
}

import { createHash } from 'node:crypto';
import { DataDeduplicationService } from 'n8n-core';
import type { IDataDeduplicator } from 'n8n-workflow';

/** One row for each node, as in n8n's database: text that outlives the executions. */
export const marks = new Map<string, string[]>();

const moment = async () => await new Promise<void>((resolve) => setImmediate(resolve));

/** How n8n's database answers; a test may hold it back. */
export const database = { answer: moment };

/**
 * n8n's own way of remembering for "Remove Duplicates": it reads a row, changes it and writes it back, so
 * that of two calls at once one is lost.
 */
const deduplicator: IDataDeduplicator = {
	async checkProcessedAndRecord(items, _scope, { node, workflow }, { maxEntries = Infinity }) {
		const key = `${workflow.id} ${node?.id}`;
		const row = [...(marks.get(key) ?? [])];
		await database.answer();
		const hashed = items.map((item) => ({ item, hash: hashOf(item) }));
		const processed = hashed.filter(({ hash }) => row.includes(hash)).map(({ item }) => item);
		const fresh = hashed.filter(({ hash }) => !row.includes(hash));
		row.push(...fresh.map(({ hash }) => hash));
		marks.set(key, row.slice(-maxEntries));
		return { new: fresh.map(({ item }) => item), processed };
	},
	async removeProcessed(items, _scope, { node, workflow }) {
		const key = `${workflow.id} ${node?.id}`;
		const row = [...(marks.get(key) ?? [])];
		await database.answer();
		const gone = items.map(hashOf);
		marks.set(
			key,
			row.filter((hash) => !gone.includes(hash)),
		);
	},
	async clearAllProcessedItems() {
		marks.clear();
	},
	async getProcessedDataCount() {
		return [...marks.values()].flat().length;
	},
};

function hashOf(item: unknown): string {
	return createHash('md5').update(String(item)).digest('base64');
}

export async function keepMarks(): Promise<void> {
	await DataDeduplicationService.init(deduplicator);
}

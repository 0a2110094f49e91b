import { createHash } from 'node:crypto';
import { DataDeduplicationService } from 'n8n-core';
import type { IDataDeduplicator } from 'n8n-workflow';
import { passed } from './until.mts';

/** One row for each node, as in n8n's database: text that outlives the executions. */
export const marks = new Map<string, string[]>();

const moment = async () => await new Promise<void>((resolve) => setImmediate(resolve));

/** How n8n's database answers; a test may hold it back. */
export const database = { answer: moment };

/**
 * Makes `database.answer` fail.
 * @param times how often it fails
 * @param after how many answers go well before
 * @param ms how long each answer takes
 * @returns a function that puts the former `database.answer` back
 */
export function failing(times: number, after = 0, ms = 0): () => void {
	const { answer } = database;
	let answers = 0;
	database.answer = async () => {
		await (ms === 0 ? moment() : passed(ms));
		answers++;
		if (answers > after && answers <= after + times) throw new Error('the database is locked');
	};
	return () => (database.answer = answer);
}

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

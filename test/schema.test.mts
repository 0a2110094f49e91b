import path from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadOutputSchema } from 'n8n-core';
import type { IDataObject, INodeParameters, INodePropertyOptions } from 'n8n-workflow';
import type { Result } from './engine/engine.mts';
import { descriptionOf, GENERATE, STATUS, TRIGGER } from './engine/engine.mts';
import { shortenPauses } from './engine/haste.mts';
import { useBench } from './engine/setup.mts';
import { Receiver } from './engine/webhook.mts';

const bench = useBench();
beforeAll(shortenPauses);

interface Schema {
	type: string;
	properties?: Record<string, Schema>;
	items?: Schema;
}

/** What every item has, and what is null until the provider tells it. */
const NULLABLE = ['videoUrl', 'videoUrlExpiresAt', 'createdAt', 'updatedAt'];

/** MuleRouter tells of a task whatever there is to tell, times and codes as well. */
const muleRouter = { provider: 'muleRouter' };

async function seed(task: IDataObject): Promise<string> {
	const made = await bench.emulator.control('POST', '/tasks', { ...muleRouter, ...task });
	return (made as { taskId: string }).taskId;
}

const completed = async () => await seed({ status: 'completed' });
const failed = async () => await seed({ status: 'failed', reason: 'Too dark', code: 5001 });
const endless = async () => await seed({ taskSeconds: 600 });

/** What comes out of Task Status for a task. */
async function status(operation: string, taskId = '', more: INodeParameters = {}) {
	return itemsOf(await bench.status({ ...muleRouter, operation, taskId, ...more }));
}

function itemsOf({ error, outputs }: Result): IDataObject[] {
	expect(error).toBeUndefined();
	return outputs.flat().map(({ json }) => json);
}

/** What n8n finds for the node in this version, in the way it looks for it. */
function schemaOf(type: string, version: number, operation?: string): Schema {
	const { name } = descriptionOf(type);
	const nodeDir = path.resolve('nodes', name[0].toUpperCase() + name.slice(1));
	return loadOutputSchema({ nodeDir, version, operation }) as unknown as Schema;
}

/** Every place of a schema that holds a value, with the value's type. */
function declaredIn({ type, properties, items }: Schema, place: string[] = []): string[][] {
	if (type === 'array') return declaredIn(items as Schema, [...place, '[]']);
	if (type !== 'object') return [[place.join('.'), type]];
	return Object.entries(properties ?? {}).flatMap(([name, each]) =>
		declaredIn(each, [...place, name]),
	);
}

/** The same for an item, with the values themselves. */
function valuesIn(value: unknown, place: string[] = []): Array<[string, unknown]> {
	if (Array.isArray(value)) return value.flatMap((each) => valuesIn(each, [...place, '[]']));
	if (typeof value !== 'object' || value === null) return [[place.join('.'), value]];
	return Object.entries(value).flatMap(([name, each]) => valuesIn(each, [...place, name]));
}

function isA(type: string | undefined, value: unknown): boolean {
	return type === 'integer' ? Number.isInteger(value) : typeof value === type;
}

/**
 * Nothing comes out that is not declared, and each place that is declared has come out, with a value
 * of its type. Not declared is what is no task: items with an `error`, and the request that Validate
 * Only shows; nor `message`, which only an AI agent is given, and the editor offers to nobody.
 */
function expectDeclared(items: IDataObject[], schema: Schema): void {
	const types = new Map(declaredIn(schema) as Array<[string, string]>);
	const values = items.flatMap((item) => valuesIn(item));
	const told = values.filter(([place, value]) => value !== null || !NULLABLE.includes(place));
	expect(told.filter(([place, value]) => !isA(types.get(place), value))).toEqual([]);
	expect(new Set(told.map(([place]) => place))).toEqual(new Set(types.keys()));
}

describe('what the editor is told of an output is what comes out', () => {
	test.each([1, 1.1])('of Generate %d, in time and too late', async (typeVersion) => {
		const parameters = {
			...muleRouter,
			endpoint: 'videoEdit',
			prompt: '@Video1',
			videoUrl: bench.emulator.referenceUrl,
			options: { pricePerSecond: 0.1 },
		};
		const settings = { typeVersion };
		const done = await bench.generate(parameters, { settings });
		await bench.emulator.set({ taskSeconds: 600 });
		const options = { pricePerSecond: 0.1, waitLimit: 0, clipLength: 4 };
		const late = await bench.generate({ ...parameters, options }, { settings });
		expectDeclared([done, late].flatMap(itemsOf), schemaOf(GENERATE, typeVersion));
	});

	test('of Get, for a finished task and a failed one', async () => {
		const items = [await status('get', await completed()), await status('get', await failed())];
		expectDeclared(items.flat(), schemaOf(STATUS, 1, 'get'));
	});

	test('of Wait, for a finished task, a failed one and one that takes too long', async () => {
		const items = [
			await status('wait', await completed()),
			await status('wait', await failed(), { routeByStatus: true }),
			await status('wait', await endless(), { options: { waitLimit: 0 } }),
		];
		expectDeclared(items.flat(), schemaOf(STATUS, 1, 'wait'));
	});

	test('of Download', async () => {
		const items = await status('download', await completed());
		expectDeclared(items, schemaOf(STATUS, 1, 'download'));
	});

	test('of Get Many, for a list as documented and one that tells all of its tasks', async () => {
		const provider = 'magnific';
		await seed({ provider, status: 'failed' });
		const documented = await status('getMany', '', { provider });
		const times = { created_at: '2026-03-03T00:00:00Z', updated_at: '2026-03-03T00:01:00Z' };
		const generated = [`${bench.emulator.mediaUrl}/results/a.mp4?Expires=1900000000`];
		const data = [
			{ task_id: 'a', status: 'COMPLETED', generated, ...times },
			{ task_id: 'b', status: 'FAILED', error: { code: '5001', message: 'Too dark' }, ...times },
		];
		await bench.emulator.fault({
			match: { action: 'list' },
			fault: { kind: 'wrong-json', body: { data } },
		});
		const detailed = await status('getMany', '', { provider });
		expect(documented).toMatchObject([{ status: 'failed', createdAt: null }]);
		expectDeclared([...documented, ...detailed], schemaOf(STATUS, 1, 'getMany'));
	});

	test('of the trigger, for a finished task and a failed one', async () => {
		const receiver = await Receiver.open({
			type: TRIGGER,
			parameters: muleRouter,
			credentials: bench.credentials,
		});
		try {
			for (const taskId of [await completed(), await failed()]) {
				const url = `${receiver.url}?job=17`;
				await bench.emulator.control('POST', `/tasks/${taskId}/callback`, { url });
			}
			const results = await Promise.all(receiver.started.map(async ({ run }) => await run()));
			const items = results.flatMap(itemsOf);
			expect(items.map(({ query }) => query)).toEqual([{ job: '17' }, { job: '17' }]);
			// The user's own names: the schema can only say that there may be some.
			for (const item of items) delete item.query;
			expectDeclared(items, schemaOf(TRIGGER, 1));
			expect(schemaOf(TRIGGER, 1).properties).toHaveProperty('query');
		} finally {
			await receiver.close();
		}
	});

	test('for every version and every operation of each node', () => {
		const operation = descriptionOf(STATUS).properties.find(({ name }) => name === 'operation');
		const operations = (operation?.options as INodePropertyOptions[]).map(({ value }) => value);
		expect(operations).toEqual(['download', 'get', 'getMany', 'wait']);
		expect(descriptionOf(STATUS).version).toBe(1);
		expect(descriptionOf(TRIGGER).version).toBe(1);
		expect(descriptionOf(GENERATE).version).toEqual([1, 1.1]);
	});
});

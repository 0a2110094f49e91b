import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { IDataObject } from 'n8n-workflow';
import { descriptionOf, GENERATE, TRIGGER } from './engine/engine.mts';
import { hurry } from './engine/haste.mts';
import { useBench } from './engine/setup.mts';
import { Receiver } from './engine/webhook.mts';

const bench = useBench();

interface Schema {
	type: string;
	properties?: Record<string, Schema>;
	items?: Schema;
}

function schema(file: string): Schema {
	return JSON.parse(readFileSync(`nodes/${file}.json`, 'utf8')) as Schema;
}

/** Whether a value is as declared; what may be missing may be null. */
function holds(value: unknown, { type, properties, items }: Schema): boolean {
	if (value === null || value === undefined) return true;
	if (type === 'array') {
		return Array.isArray(value) && value.every((each) => holds(each, items as Schema));
	}
	if (type === 'object') {
		return Object.entries(value).every(
			([name, each]) => properties?.[name] !== undefined && holds(each, properties[name]),
		);
	}
	return type === 'integer' ? Number.isInteger(value) : typeof value === type;
}

/** Every key of the item is declared, with its type, and every declared key is there. */
function expectDeclared(item: IDataObject, file: string, optional: string[] = []): void {
	const declared = schema(file);
	expect(Object.keys(declared.properties ?? {}).sort()).toEqual(
		[...new Set([...Object.keys(item), ...optional])].sort(),
	);
	expect(holds(item, declared)).toBe(true);
}

/** Where n8n looks for what a node without operations puts out: one file for each version. */
function schemasOf(type: string): string[] {
	const { name, version } = descriptionOf(type);
	const folder = name[0].toUpperCase() + name.slice(1);
	return [version].flat().map((each) => `${folder}/__schema__/v${each.toFixed(1)}.0`);
}

describe('what the editor is told of an output is what comes out', () => {
	test('of Generate, and of each operation of Task Status', async () => {
		hurry();
		const { json, error } = await bench.generate({
			prompt: '@Video1',
			videoUrl: bench.emulator.referenceUrl,
		});
		expect(error).toBeUndefined();
		for (const file of schemasOf(GENERATE)) expectDeclared(json[0], file);
		const { taskId } = json[0] as { taskId: string };
		for (const operation of ['get', 'wait', 'download', 'getMany']) {
			const looked = await bench.status({ operation, taskId });
			expectDeclared(
				looked.json[0],
				`KlingTaskStatus/__schema__/v1.0.0/${operation}`,
				operation === 'get' ? ['failure'] : [],
			);
		}
	});

	test('of the trigger', async () => {
		hurry();
		const { taskId } = (await bench.emulator.control('POST', '/tasks', {
			provider: 'muleRouter',
			status: 'completed',
		})) as { taskId: string };
		const receiver = await Receiver.open({
			type: TRIGGER,
			parameters: { provider: 'muleRouter' },
			credentials: bench.credentials,
		});
		try {
			await bench.emulator.control('POST', `/tasks/${taskId}/callback`, { url: receiver.url });
			const { json, error } = await receiver.started[0].run();
			expect(error).toBeUndefined();
			for (const file of schemasOf(TRIGGER)) expectDeclared(json[0], file);
		} finally {
			await receiver.close();
		}
	});
});

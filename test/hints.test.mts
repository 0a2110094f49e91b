import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type {
	IDataObject,
	INodeParameters,
	INodeProperties,
	INodePropertyCollection,
	INodePropertyOptions,
} from 'n8n-workflow';
import { descriptionOf, GENERATE, STATUS, TRIGGER } from './engine/engine.mts';
import type { Result } from './engine/engine.mts';
import { shortenPauses } from './engine/haste.mts';
import type { More } from './engine/setup.mts';
import { useBench } from './engine/setup.mts';

const bench = useBench();
beforeAll(shortenPauses);

const nodes = [GENERATE, STATUS, TRIGGER];

const { name: packageName, repository } = JSON.parse(readFileSync('package.json', 'utf8')) as {
	name: string;
	repository: { url: string };
};
const home = repository.url.replace(/^git\+/, '').replace(/\.git$/, '');

/** What n8n's search and its panels read of a node, beside its description. */
interface Codex {
	node: string;
	codexVersion: string;
	categories: string[];
	alias: string[];
	resources: Record<'primaryDocumentation' | 'credentialDocumentation', Array<{ url: string }>>;
}

function codexOf(type: string): Codex {
	const { name } = descriptionOf(type);
	const className = name[0].toUpperCase() + name.slice(1);
	return JSON.parse(readFileSync(`nodes/${className}/${className}.node.json`, 'utf8')) as Codex;
}

describe('the codex', () => {
	test.each(nodes)('of %s holds the words that a person would type', (type) => {
		const alias = codexOf(type).alias.map((each) => each.toLowerCase());
		const typed = ['kling', 'video to video', 'freepik', 'magnific', 'mulerouter'];
		expect(typed.filter((each) => !alias.includes(each))).toEqual([]);
	});

	test.each(nodes)('of %s names that node, and a category of n8n', (type) => {
		const { node, codexVersion, categories } = codexOf(type);
		expect(node).toBe(`${packageName}.${descriptionOf(type).name}`);
		expect(codexVersion).toBe('1.0');
		// One of those that n8n documents, spelt as there.
		expect(categories).toEqual(['Marketing & Content']);
	});

	test('of each node leads to a page of its own, and to the part of the README about the credentials', () => {
		const pages = nodes.map((type) => {
			const { primaryDocumentation, credentialDocumentation } = codexOf(type).resources;
			expect(credentialDocumentation).toEqual([{ url: `${home}#credentials` }]);
			return primaryDocumentation.map(({ url }) => url.replace(`${home}/blob/main/`, ''));
		});
		expect(pages).toEqual([['docs/generate.md'], ['docs/task-status.md'], ['docs/trigger.md']]);
		expect(pages.flat().filter((page) => !existsSync(page))).toEqual([]);
		expect(readFileSync('README.md', 'utf8')).toContain('\n## Credentials\n');
	});
});

describe("n8n's AI builder", () => {
	test.each(nodes)('is told what %s does, and which nodes go with it', (type) => {
		const { searchHint = '', relatedNodes = [] } = descriptionOf(type).builderHint ?? {};
		expect(searchHint).toContain('Kling');
		expect(relatedNodes).not.toEqual([]);
		for (const { nodeType, relationHint } of relatedNodes) {
			expect(relationHint).not.toBe('');
			expect(nodeType).not.toBe(type);
			// The others are n8n's own, which are there with every n8n.
			if (!nodeType.startsWith('n8n-nodes-base.')) expect(nodes).toContain(nodeType);
		}
	});
});

test("n8n's AI builder is told of the fields that it would most likely get wrong", () => {
	const hinted = nodes.map((type) =>
		fieldsIn(descriptionOf(type).properties)
			.filter(([, { builderHint }]) => builderHint?.propertyHint)
			.map(([path]) => path),
	);
	const [generate, status] = hinted.map((paths) => [...new Set(paths)]);
	expect(generate).toEqual(
		expect.arrayContaining(['/prompt', '/videoUrl', '/videoList/videos/videoUrl', '/completion']),
	);
	expect(status).toEqual(['/taskId']);
});

test('a number that is too large can be typed, so that the node refuses it', () => {
	// With n8n's own maxValue, its field drops the digit that goes too far, and makes 3 of 20.
	const capped = nodes.flatMap((type) =>
		fieldsIn(descriptionOf(type).properties)
			.filter(([, { typeOptions }]) => typeOptions?.maxValue !== undefined)
			.map(([path]) => path),
	);
	expect(capped).toEqual([]);
});

/** An item as n8n shows it to whoever opens the execution: the fields of the node replaced. */
function redacted(json: IDataObject): IDataObject {
	const shown = structuredClone(json);
	for (const path of descriptionOf(GENERATE).sensitiveOutputFields ?? []) {
		const names = path.split('.');
		const last = names.pop() as string;
		const within = names.reduce<IDataObject | undefined>(
			(outer, name) => outer?.[name] as IDataObject | undefined,
			shown,
		);
		if (within && last in within) within[last] = { __redacted: true };
	}
	return shown;
}

describe('an address that can be called to start or continue a workflow', () => {
	const webhookUrl = 'https://n8n.example.com/webhook/0b5c1d9e';

	const generate = async (parameters: INodeParameters, more: More = {}): Promise<Result> => {
		const { referenceUrl: videoUrl } = bench.emulator;
		const result = await bench.generate({ prompt: '@Video1', videoUrl, ...parameters }, more);
		expect(result.error).toBeUndefined();
		return result;
	};

	test('is hidden in the request that Validate Only shows, and nothing else is', async () => {
		const { json } = await generate({
			additionalFields: { webhookUrl },
			options: { validateOnly: true },
		});
		const body = { prompt: '@Video1', video_url: bench.emulator.referenceUrl };
		expect(json).toMatchObject([{ request: { body: { ...body, webhook_url: webhookUrl } } }]);
		const shown = redacted(json[0]);
		expect(JSON.stringify(shown)).not.toContain(webhookUrl);
		expect(shown).toMatchObject({ request: { body } });
	});

	test('is in no item of a task that was made', async () => {
		const { run } = await generate({
			additionalFields: { webhookUrl: `${bench.emulator.mediaUrl}/hook` },
		});
		const [{ body }] = (await bench.emulator.state()).tasks;
		expect(body.webhook_url).toBe(`${bench.emulator.mediaUrl}/hook`);
		expect(JSON.stringify(run.data.resultData.runData)).not.toContain('/hook');
	});

	test('is not put out by a node that pauses, nor by its Validate Only', async () => {
		await bench.emulator.set({ taskSeconds: 600 });
		const { run } = await generate({ completion: 'callback' }, { leaveAsleep: true });
		const [{ body }] = (await bench.emulator.state()).tasks;
		expect(body.webhook_url).toContain('/webhook-waiting/');
		const only = await generate({ completion: 'callback', options: { validateOnly: true } });
		expect(only.json).toMatchObject([{ request: { body: { webhook_url: '[resume URL]' } } }]);
		for (const { data } of [run, only.run]) {
			expect(JSON.stringify(data.resultData.runData)).not.toContain('/webhook-waiting/');
		}
	});
});

type Entry = INodeProperties | INodePropertyOptions | INodePropertyCollection;

/** Every field, also those within others, each by its path. */
function fieldsIn(entries: Entry[] = [], path = ''): Array<[string, INodeProperties]> {
	return entries.flatMap((entry) => {
		const at = `${path}/${entry.name}`;
		if ('values' in entry) return fieldsIn(entry.values, at);
		if (!('type' in entry)) return [];
		return [[at, entry] as [string, INodeProperties], ...fieldsIn(entry.options, at)];
	});
}

/** Values that say by themselves what they are: a ratio, a provider, a still image. */
const PLAIN = /^\d+:\d+ |^MuleRouter$|^Image$/;

describe('a person who fills the fields in', () => {
	test.each(nodes)('reads what each is for, in %s', (type) => {
		const silent = fieldsIn(descriptionOf(type).properties).filter(
			([, { name, type: kind, description, hint, placeholder }]) =>
				!['notice', 'hidden'].includes(kind) &&
				!['operation', 'resource'].includes(name) &&
				!(description || hint || placeholder),
		);
		expect(silent.map(([path]) => path)).toEqual([]);
	});

	test.each(nodes)('reads what each choice means, in %s', (type) => {
		const silent = fieldsIn(descriptionOf(type).properties)
			.filter(([, { type: kind }]) => ['options', 'multiOptions'].includes(kind))
			.flatMap(([path, { options }]) =>
				((options ?? []) as INodePropertyOptions[])
					.filter(({ name, description }) => !description && !PLAIN.test(name))
					.map(({ name }) => `${path}: ${name}`),
			);
		expect(silent).toEqual([]);
	});
});

import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type {
	IDataObject,
	INode,
	INodeParameters,
	INodeType,
	INodeTypeDescription,
} from 'n8n-workflow';
import { NodeConnectionTypes } from 'n8n-workflow';
import { execute, standIn } from './engine/engine.mts';
import { useBench } from './engine/setup.mts';

/** `examples/sheet-to-links.json`, with a sheet in memory in place of Google's. */

const bench = useBench();

const { nodes, connections } = JSON.parse(
	readFileSync('examples/sheet-to-links.json', 'utf8'),
) as Pick<Parameters<typeof execute>[0], 'nodes' | 'connections'>;

type Row = Record<'prompt' | 'videoUrl' | 'video' | 'task', string>;

let sheet: Row[];

/** A run waits for the first one before "Take the Rows", and for the second one in the Wait node. */
let beforeTaking: () => Promise<unknown>;
let afterTaking: () => Promise<unknown>;

const HEADINGS_ROW = 1;

const description = (
	properties: INodeTypeDescription['properties'],
	outputs = 1,
): INodeTypeDescription => ({
	displayName: 'Stand-in',
	name: 'standIn',
	group: ['transform'],
	version: 1,
	description: "Does what the example needs of one of n8n's own nodes",
	defaults: { name: 'Stand-in' },
	inputs: [NodeConnectionTypes.Main],
	outputs: Array.from({ length: outputs }, () => NodeConnectionTypes.Main),
	properties,
});

const start: INodeType = {
	description: description([]),
	async execute() {
		return [this.getInputData()];
	},
};

/** Filter, and If, which has a second output. */
const conditions = (outputs: number): INodeType => ({
	description: description(
		[
			{
				displayName: 'Conditions',
				name: 'conditions',
				type: 'filter',
				default: {},
				typeOptions: { filter: { version: 2, typeValidation: 'loose' } },
			},
		],
		outputs,
	),
	async execute() {
		const items = this.getInputData().map(({ json, binary }, item) => ({
			json,
			...(binary && { binary }),
			pairedItem: { item },
		}));
		const holds = items.map((_, item) =>
			this.getNodeParameter('conditions', item, false, { extractValue: true }),
		);
		const kept = items.filter((_, item) => holds[item]);
		return outputs === 1 ? [kept] : [kept, items.filter((_, item) => !holds[item])];
	},
});

const json = (name: string) => ({ displayName: name, name, type: 'json' as const, default: '{}' });

/** As n8n's node does it: a read for each item, with the numbers of the rows; an update puts out what was mapped. */
const googleSheets: INodeType = {
	description: description([
		{ displayName: 'Operation', name: 'operation', type: 'string', default: 'read' },
		json('filtersUI'),
		json('columns'),
	]),
	async execute() {
		const items = this.getInputData();
		if (this.getNodeParameter('operation', 0) === 'update') {
			if (this.getNode().name === 'Take the Rows') await beforeTaking();
			const mapped = items.map((_, item) => {
				const values = this.getNodeParameter('columns.value', item) as IDataObject;
				const { row_number: number, ...cells } = values;
				Object.assign(sheet[Number(number) - HEADINGS_ROW - 1], cells);
				return { json: values, pairedItem: { item } };
			});
			return [mapped];
		}
		const read = items.flatMap((_, item) => {
			const filters = this.getNodeParameter('filtersUI.values', item, []) as Array<{
				lookupColumn: keyof Row;
				lookupValue: string;
			}>;
			return sheet
				.map((row, index) => ({ ...row, row_number: index + 1 + HEADINGS_ROW }))
				.filter((row) => filters.every((each) => row[each.lookupColumn] === each.lookupValue))
				.map((row) => ({ json: row, pairedItem: { item } }));
		});
		return [read];
	},
};

const googleDrive: INodeType = {
	description: description([{ displayName: 'Name', name: 'name', type: 'string', default: '' }]),
	async execute() {
		return [
			this.getInputData().map((_, item) => ({
				json: { webViewLink: `https://drive.example/${this.getNodeParameter('name', item)}` },
				pairedItem: { item },
			})),
		];
	},
};

const wait: INodeType = {
	description: description([]),
	async execute() {
		await afterTaking();
		return [this.getInputData()];
	},
};

beforeEach(() => {
	sheet = ['a watercolour', 'a cartoon', 'a clay animation'].map((look) => ({
		prompt: `@Video1 as ${look}`,
		videoUrl: bench.emulator.referenceUrl,
		video: '',
		task: '',
	}));
	beforeTaking = afterTaking = async () => {};
	for (const name of ['manualTrigger', 'scheduleTrigger']) standIn(`n8n-nodes-base.${name}`, start);
	standIn('n8n-nodes-base.filter', conditions(1));
	standIn('n8n-nodes-base.if', conditions(2));
	standIn('n8n-nodes-base.googleSheets', googleSheets);
	standIn('n8n-nodes-base.googleDrive', googleDrive);
	standIn('n8n-nodes-base.wait', wait);
});

const steps = nodes.filter(({ type }) => type !== 'n8n-nodes-base.stickyNote');
const first = steps.find(({ name }) => name === 'Start') as INode;

async function run(options: INodeParameters = {}) {
	const changed = ({ name, parameters, ...rest }: INode): INode => ({
		...rest,
		name,
		parameters:
			name === 'Kling V2V Generate'
				? { ...parameters, options: { ...(parameters.options as INodeParameters), ...options } }
				: parameters,
	});
	return await execute({
		credentials: bench.credentials,
		nodes: [first, ...steps.filter((each) => each !== first).map(changed)],
		connections,
	});
}

/** Lets nobody through before two have come. */
function both(): () => Promise<void> {
	let come = 0;
	let open: () => void = () => {};
	const opened = new Promise<void>((resolve) => (open = resolve));
	return async () => {
		if (++come === 2) open();
		await opened;
	};
}

const billed = async () => (await bench.emulator.state()).billed.total;

describe('The example that makes videos of the rows of a sheet', () => {
	test('writes the link and the task ID into the row that each video was made of', async () => {
		sheet[1].video = 'https://drive.example/earlier.mp4';
		await run();
		expect(await billed()).toBe(2);
		const tasks = await bench.emulator.tasks();
		for (const row of [sheet[0], sheet[2]]) {
			const task = tasks.find(({ taskId }) => taskId === row.task);
			expect(task?.body.prompt).toBe(row.prompt);
			expect(row.video).toBe(`https://drive.example/${row.task}.mp4`);
		}
		expect(sheet[1]).toMatchObject({ video: 'https://drive.example/earlier.mp4', task: '' });
	});

	test('leaves the rows alone that another run has taken', async () => {
		afterTaking = async () => {
			afterTaking = async () => {};
			await run();
			expect(await billed()).toBe(0);
		};
		await run();
		expect(await billed()).toBe(3);
	});

	test('pays once for each row when two runs have read the sheet before either took a row', async () => {
		beforeTaking = both();
		afterTaking = both();
		await Promise.all([run(), run()]);
		expect(await billed()).toBe(3);
		for (const { video } of sheet) expect(video).toMatch(/^https:/);
	});

	test('frees the rows after Validate Only', async () => {
		await run({ validateOnly: true, pricePerSecond: 0.1 });
		expect(await billed()).toBe(0);
		expect(sheet.map(({ video }) => video)).toEqual(['', '', '']);
	});

	test('writes the reason into the rows of a run that a limit refuses', async () => {
		await run({ maxTasks: 2 });
		expect(await billed()).toBe(0);
		for (const { video } of sheet) expect(video).toContain('Max Tasks is 2');
	});
});

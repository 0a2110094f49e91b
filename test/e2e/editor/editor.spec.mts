import { GENERATE, STATUS, TRIGGER } from '../workflows.mts';
import { expect, test } from './fixtures.mts';
import { importForEditor } from './workflows.mjs';

/** What a person may type, and what has to be among the answers; n8n takes the word "Trigger" off a name. */
const SEARCHES = [
	{ text: 'kling', found: [GENERATE, STATUS, 'Kling V2V'] },
	{ text: 'video to video', found: [GENERATE, STATUS, 'Kling V2V'] },
	{ text: 'v2v', found: [GENERATE] },
	{ text: 'freepik', found: [GENERATE, STATUS, 'Kling V2V'] },
	{ text: 'task status', found: [STATUS] },
	{ text: 'kling webhook', found: ['Kling V2V'] },
];

/** Every field of Generate that is not always there. */
const FIELDS = [
	'endpoint',
	'videoBinaryPropertyName',
	'keepAudio',
	'referType',
	'downloadVideo',
	'binaryPropertyName',
];

/** What one choice after the other shows of them; `videoUrl` is checked apart, as every endpoint has one somewhere. */
const STEPS: Array<{ choose?: [field: string, option: string]; shown: string[] }> = [
	{ shown: ['downloadVideo', 'binaryPropertyName'] },
	{ choose: ['completion', 'Return Task ID Immediately'], shown: [] },
	{
		choose: ['completion', 'Pause Until Callback'],
		shown: ['downloadVideo', 'binaryPropertyName'],
	},
	{ choose: ['completion', 'Wait Until Done'], shown: ['downloadVideo', 'binaryPropertyName'] },
	{
		choose: ['provider', 'MuleRouter'],
		shown: ['endpoint', 'referType', 'downloadVideo', 'binaryPropertyName'],
	},
	{
		choose: ['endpoint', 'Video Edit'],
		shown: ['endpoint', 'keepAudio', 'downloadVideo', 'binaryPropertyName'],
	},
	{
		choose: ['endpoint', 'Reference Video to Video'],
		shown: ['endpoint', 'keepAudio', 'downloadVideo', 'binaryPropertyName'],
	},
	{ choose: ['provider', 'Magnific'], shown: ['downloadVideo', 'binaryPropertyName'] },
];

/** The same with the reference video in a binary field instead of a link. */
const FROM_FILE = ['videoBinaryPropertyName', 'downloadVideo', 'binaryPropertyName'];

test('The node panel finds every node by what a person would type', async ({ editor }) => {
	await editor.openWorkflow('new');
	for (const { text, found } of SEARCHES) {
		const names = await editor.search(text);
		for (const name of found) {
			expect(names, `what "${text}" finds`).toContain(name);
		}
	}
});

test('Every node can be added and opened', async ({ editor }) => {
	await editor.openWorkflow('new');
	const nodes: Array<[search: string, name: string, action?: string]> = [
		['kling v2v generate', GENERATE],
		['kling task status', STATUS, 'Get task'],
		['kling v2v trigger', TRIGGER, 'On completed'],
	];
	for (const [search, name, action] of nodes) {
		await editor.add(search, action);
		expect(await editor.title()).toBe(name);
		await editor.closeNode();
	}
});

test('The fields of Generate follow provider, endpoint and completion', async ({ editor }) => {
	await editor.openWorkflow('new');
	await editor.add('kling v2v generate');
	const always = ['provider', 'mode', 'prompt', 'videoUrl', 'completion'];
	expect(await editor.shown(always)).toEqual(always);
	for (const { choose, shown } of STEPS) {
		if (choose) await editor.choose(...choose);
		const after = choose ? `after ${choose[0]} = ${choose[1]}` : 'at first';
		expect(await editor.shown(FIELDS), after).toEqual(shown);
		expect(await editor.field('videoUrl').count(), `Video URLs ${after}`).toBe(1);
	}
	await editor.choose('videoSource', 'Binary File');
	expect(await editor.shown(FIELDS), 'for a file').toEqual(FROM_FILE);
	expect(await editor.field('videoUrl').count(), 'Video URLs for a file').toBe(0);
});

test('A number in Generate that is too large stays as typed, for the node to refuse', async ({
	editor,
}) => {
	await editor.openWorkflow('new');
	await editor.add('kling v2v generate');
	const fields = { Duration: ['duration', '20'], 'CFG Scale': ['cfgScale', '1.5'] };
	for (const [label, [name, typed]] of Object.entries(fields)) {
		await editor.addField(label);
		expect(Number(await editor.type(name, typed)), label).toBe(Number(typed));
	}
});

test('Generate offers Pause Until Callback for Magnific only', async ({ editor }) => {
	await editor.openWorkflow('new');
	await editor.add('kling v2v generate');
	const callback = 'Pause Until Callback';
	expect(await editor.options('completion'), 'on Magnific').toContain(callback);
	await editor.choose('provider', 'MuleRouter');
	expect(await editor.options('completion'), 'on MuleRouter').not.toContain(callback);
});

test('The fields and the notice of Task Status follow operation and provider', async ({
	editor,
}) => {
	await editor.openWorkflow('new');
	const fields = ['taskId', 'endpoint', 'returnAll', 'downloadVideo', 'routeByStatus'];
	const notice = 'MuleRouter has no list of tasks';
	await editor.add('kling task status', 'Get task');
	expect(await editor.shown(fields)).toEqual(['taskId', 'downloadVideo', 'routeByStatus']);
	await editor.choose('operation', 'Get Many');
	expect(await editor.shown(fields)).toEqual(['returnAll']);
	expect(await editor.says(notice), 'the notice on Magnific').toBe(false);
	await editor.choose('provider', 'MuleRouter');
	expect(await editor.says(notice), 'the notice on MuleRouter').toBe(true);
	await editor.choose('operation', 'Download');
	expect(await editor.shown(fields)).toEqual(['taskId', 'endpoint']);
});

test('The trigger shows its production URL, and notices that follow provider and authentication', async ({
	editor,
}) => {
	await editor.openWorkflow('new');
	await editor.add('kling v2v trigger', 'On completed');
	const url = await editor.productionUrl();
	expect(url).toMatch(/^https:\/\/n8n\.example\.com\/webhook\/[0-9a-f-]{36}\/webhook$/);
	const magnific = 'copy the Production URL into the Kling V2V Generate node';
	const muleRouter = 'add the Production URL in the MuleRouter console';
	const secret = 'Enter the Webhook Secret, of 16 bytes or more';
	const said = async () =>
		await Promise.all([magnific, muleRouter, secret].map((text) => editor.says(text)));
	expect(await said(), 'Magnific, by signature').toEqual([true, false, true]);
	await editor.choose('authentication', 'Ask API');
	expect(await said(), 'Magnific, by asking the API').toEqual([true, false, false]);
	await editor.choose('provider', 'MuleRouter');
	expect(await said(), 'MuleRouter, by asking the API').toEqual([false, true, false]);
});

test('The main example run by its button gets green ticks, and its video plays in the output panel', async ({
	stage,
	editor,
}) => {
	const { main } = await importForEditor(stage);
	await editor.openWorkflow(main.id);
	await editor.run(main.nodes);
	await editor.openNode(GENERATE);
	const { problem, ...video } = await editor.playVideo();
	expect(problem).toBe(null);
	expect(video.readyState, JSON.stringify(video)).toBeGreaterThanOrEqual(3);
	expect(video.currentTime).toBeGreaterThan(0);
	expect(Math.abs(video.duration - 5), `a video of ${video.duration} s`).toBeLessThan(0.2);
});

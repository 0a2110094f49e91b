// @ts-check
import assert from 'node:assert/strict';

/**
 * @typedef {import('./editor.mjs').Editor} Editor
 * @typedef {{ name: string, check: (editor: Editor) => Promise<string | void> }} Check each begins with an empty workflow
 */

export const GENERATE = 'Kling V2V Generate';
export const STATUS = 'Kling Task Status';
export const TRIGGER = 'Kling V2V Trigger';

/** Where this n8n can be reached, shown in the trigger's URLs. */
export const PUBLIC_URL = 'https://n8n.example.com';

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

/**
 * What one choice after the other shows of them; `videoUrl` is checked apart, as every endpoint has one somewhere.
 *
 * @type {Array<{ choose?: [field: string, option: string], shown: string[] }>}
 */
const STEPS = [
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

/** @type {Check[]} */
export const checks = [
	{
		name: 'every node is found by what a person would type',
		check: async (editor) => {
			for (const { text, found } of SEARCHES) {
				const names = await editor.search(text);
				for (const name of found) {
					assert.ok(names.includes(name), `"${text}" finds "${name}", and not only ${names}`);
				}
			}
			return SEARCHES.map(({ text }) => `"${text}"`).join(', ');
		},
	},
	{
		name: 'every node is added and opened',
		check: async (editor) => {
			/** @type {Array<[search: string, name: string, action?: string]>} */
			const nodes = [
				['kling v2v generate', GENERATE],
				['kling task status', STATUS, 'Get a task'],
				['kling v2v trigger', TRIGGER, 'On completed'],
			];
			for (const [search, name, action] of nodes) {
				await editor.add(search, action);
				assert.equal(await editor.title(), name);
				await editor.closeNode();
			}
		},
	},
	{
		name: 'Generate: fields follow provider, endpoint and completion',
		check: async (editor) => {
			await editor.add('kling v2v generate');
			assert.deepEqual(
				await editor.shown(['provider', 'mode', 'prompt', 'videoUrl', 'completion']),
				['provider', 'mode', 'prompt', 'videoUrl', 'completion'],
				'the fields that are always there',
			);
			for (const { choose, shown } of STEPS) {
				if (choose) await editor.choose(...choose);
				const after = choose ? `after ${choose[0]} = ${choose[1]}` : 'at first';
				assert.deepEqual(await editor.shown(FIELDS), shown, after);
				assert.equal(await editor.field('videoUrl').count(), 1, `one Video URL ${after}`);
			}
			await editor.choose('videoSource', 'Binary File');
			assert.deepEqual(await editor.shown(FIELDS), FROM_FILE, 'for a file');
			assert.equal(await editor.field('videoUrl').count(), 0, 'no Video URL for a file');
			return `${STEPS.length + 1} steps`;
		},
	},
	{
		name: 'Generate: a number that is too large stays as typed, for the node to refuse',
		check: async (editor) => {
			await editor.add('kling v2v generate');
			const fields = { Duration: ['duration', '20'], 'CFG Scale': ['cfgScale', '1.5'] };
			for (const [label, [name = '', typed = '']] of Object.entries(fields)) {
				await editor.addField(label);
				assert.equal(Number(await editor.type(name, typed)), Number(typed), label);
			}
		},
	},
	{
		name: 'Generate: only Magnific can call back',
		check: async (editor) => {
			await editor.add('kling v2v generate');
			const callback = 'Pause Until Callback';
			assert.ok((await editor.options('completion')).includes(callback), 'on Magnific');
			await editor.choose('provider', 'MuleRouter');
			assert.ok(!(await editor.options('completion')).includes(callback), 'not on MuleRouter');
		},
	},
	{
		name: 'Status: fields and notice follow operation and provider',
		check: async (editor) => {
			const fields = ['taskId', 'endpoint', 'returnAll', 'downloadVideo', 'routeByStatus'];
			const notice = 'MuleRouter has no list of tasks';
			await editor.add('kling task status', 'Get a task');
			assert.deepEqual(await editor.shown(fields), ['taskId', 'downloadVideo', 'routeByStatus']);
			await editor.choose('operation', 'Get Many');
			assert.deepEqual(await editor.shown(fields), ['returnAll']);
			assert.equal(await editor.says(notice), false, 'no notice on Magnific');
			await editor.choose('provider', 'MuleRouter');
			assert.equal(await editor.says(notice), true, 'the notice on MuleRouter');
			await editor.choose('operation', 'Download');
			assert.deepEqual(await editor.shown(fields), ['taskId', 'endpoint']);
		},
	},
	{
		name: 'Trigger: its URL, and notices that follow provider and authentication',
		check: async (editor) => {
			await editor.add('kling v2v trigger', 'On completed');
			const url = await editor.productionUrl();
			assert.match(url, new RegExp(`^${PUBLIC_URL}/webhook/[0-9a-f-]{36}/webhook$`));
			const magnific = 'copy the Production URL into the Kling V2V Generate node';
			const muleRouter = 'add the Production URL in the MuleRouter console';
			const secret = 'Enter the Webhook Secret in the credential';
			const said = async () =>
				await Promise.all([magnific, muleRouter, secret].map((text) => editor.says(text)));
			assert.deepEqual(await said(), [true, false, true], 'Magnific, by signature');
			await editor.choose('authentication', 'Ask the API');
			assert.deepEqual(await said(), [true, false, false], 'Magnific, by asking the API');
			await editor.choose('provider', 'MuleRouter');
			assert.deepEqual(await said(), [false, true, false], 'MuleRouter, by asking the API');
			return url.replace(/[0-9a-f-]{36}/, '…');
		},
	},
];

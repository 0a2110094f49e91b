// @ts-check
// The files in `examples/` are what users import: they name no credential, and a video and a folder that everyone replaces.
// Here the replacing is done for the emulator.
import fs from 'node:fs';
import path from 'node:path';
import { root } from '../setup.mjs';

/** @typedef {import('./session.mjs').Workflow} Workflow */

/** Fixed ids: a second import replaces the first. */
export const examples = {
	referenceVideoToFile: {
		id: 'klingV2vExample1',
		file: 'reference-video-to-file.json',
		trigger: 'Start',
	},
	submitWaitStatusLoop: {
		id: 'klingV2vExample2',
		file: 'submit-wait-status-loop.json',
		trigger: 'Start',
	},
	submitForTrigger: {
		id: 'klingV2vExample4',
		file: 'submit-for-trigger.json',
		trigger: 'Start',
	},
	triggerToStorage: {
		id: 'klingV2vExample5',
		file: 'trigger-to-storage.json',
		trigger: 'Kling V2V Trigger',
	},
	folderToS3: {
		id: 'klingV2vExample6',
		file: 'folder-to-s3.json',
		trigger: 'Start',
	},
	variantsOfAClip: {
		id: 'klingV2vExample7',
		file: 'variants-of-a-clip.json',
		trigger: 'Start',
	},
	partOfALongClip: {
		id: 'klingV2vExample8',
		file: 'part-of-a-long-clip.json',
		trigger: 'Start',
	},
	nightlyRescue: {
		id: 'klingV2vExample9',
		file: 'nightly-rescue.json',
		trigger: 'Start',
	},
	errorToChannel: {
		id: 'klingV2vExample10',
		file: 'error-to-channel.json',
		trigger: 'When a Workflow Fails',
	},
	formToPage: {
		id: 'klingV2vExample11',
		file: 'form-to-page.json',
		trigger: 'Form',
	},
	telegramToTelegram: {
		id: 'klingV2vExample12',
		file: 'telegram-to-telegram.json',
		trigger: 'Clip Arrives',
	},
	sheetToLinks: {
		id: 'klingV2vExample13',
		file: 'sheet-to-links.json',
		trigger: 'Start',
	},
	driveToDrive: {
		id: 'klingV2vExample14',
		file: 'drive-to-drive.json',
		trigger: 'New Clip',
	},
	agentWithApproval: {
		id: 'klingV2vExample15',
		file: 'agent-with-approval.json',
		trigger: 'Chat',
	},
};

const OWN_NODES = 'n8n-nodes-kling-v2v.';

/** @type {Record<string, string>} */
const CREDENTIAL_OF = { magnific: 'magnificApi', muleRouter: 'muleRouterApi' };

/** @param {import('./session.mjs').WorkflowNode} node @returns {string | undefined} the type of the credential that it needs */
function credentialTypeOf({ type, parameters }) {
	if (type.startsWith(OWN_NODES)) return CREDENTIAL_OF[parameters.provider];
	return type === 'n8n-nodes-base.s3' ? 's3' : undefined;
}

/**
 * @param {string} apiUrl the emulator's
 * @param {string} [label] tells the credentials of several emulators apart
 */
export const emulatorCredentials = (apiUrl, label = 'emulator') =>
	[
		{ name: 'Magnific', type: 'magnificApi', key: 'emulator-magnific-key' },
		{ name: 'MuleRouter', type: 'muleRouterApi', key: 'emulator-mulerouter-key' },
	].map(({ name, type, key }) => ({
		name: `${name} (${label})`,
		type,
		data: { apiKey: key, baseUrl: apiUrl, webhookSecret: 'emulator-webhook-secret' },
	}));

/** @param {{ file: string }} example @returns {Workflow} as it is in the file */
const read = ({ file }) => JSON.parse(fs.readFileSync(path.join(root, 'examples', file), 'utf8'));

/**
 * Where the example's trigger is called, once it is published.
 *
 * @param {string} webhookUrl of the n8n: its address, and `/webhook`
 */
export function triggerUrl(webhookUrl) {
	const { trigger: name } = examples.triggerToStorage;
	const trigger = read(examples.triggerToStorage).nodes.find((node) => node.name === name);
	return `${webhookUrl}/${trigger?.webhookId}/webhook`;
}

/**
 * What stands in an example's fields in place of what everyone replaces.
 *
 * @typedef {object} Values
 * @property {string} [videoUrl]
 * @property {string} [folder] where videos are saved
 * @property {string} [webhookUrl] of the trigger
 * @property {number} [start] where the part of a long clip begins, in seconds
 * @property {number} [length] of that part, in seconds
 * @property {string} [clips] a pattern of files
 * @property {number} [waitSeconds] how long n8n's Wait node sleeps
 *
 * @param {{ id: string, file: string }} example
 * @param {Values & { credentials: Record<string, import('./session.mjs').CredentialReference> }} replacements `credentials` by
 *   their type; one that is not there is left to choose
 * @returns {Workflow & { id: string }}
 */
export function prepare(example, { credentials, waitSeconds, ...values }) {
	const workflow = read(example);
	const given = new Map(Object.entries(values));

	for (const node of workflow.nodes) {
		if (node.type === 'n8n-nodes-base.set') {
			for (const field of node.parameters.assignments.assignments)
				field.value = given.get(field.name) ?? field.value;
		}
		if (node.type === 'n8n-nodes-base.wait' && waitSeconds !== undefined) {
			node.parameters = { ...node.parameters, amount: waitSeconds, unit: 'seconds' };
		}
		const type = credentialTypeOf(node);
		const credential = type === undefined ? undefined : credentials[type];
		if (type !== undefined && credential) node.credentials = { [type]: credential };
	}
	return { ...workflow, id: example.id };
}

/**
 * @param {import('./session.mjs').Session} session
 * @param {string} apiUrl the emulator's
 * @param {string} [label]
 * @returns {Promise<Record<string, import('./session.mjs').CredentialReference>>} by credential type
 */
export async function saveCredentials(session, apiUrl, label) {
	/** @type {Record<string, import('./session.mjs').CredentialReference>} */
	const credentials = {};
	for (const credential of emulatorCredentials(apiUrl, label)) {
		credentials[credential.type] = await session.saveCredential(credential);
	}
	return credentials;
}

/**
 * Stores the credentials of the emulator and all examples, ready to run.
 *
 * @param {import('./session.mjs').Session} session
 * @param {{ apiUrl: string, mediaUrl: string }} emulator
 * @param {string} folder where videos are saved
 */
export async function importExamples(session, { apiUrl, mediaUrl }, folder) {
	const credentials = await saveCredentials(session, apiUrl);
	for (const example of Object.values(examples)) {
		const workflow = prepare(example, {
			credentials,
			videoUrl: `${mediaUrl}/reference.mp4`,
			folder,
			webhookUrl: triggerUrl(`${session.url}/webhook`),
			clips: path.join(folder, 'clips', '*.mp4'),
		});
		await session.saveWorkflow(workflow);
	}
	return credentials;
}

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
};

const OWN_NODES = 'n8n-nodes-kling-v2v.';

/** @type {Record<string, string>} */
const CREDENTIAL_OF = { magnific: 'magnificApi', muleRouter: 'muleRouterApi' };

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

/**
 * @param {{ id: string, file: string }} example
 * @param {object} replacements
 * @param {Record<string, import('./session.mjs').CredentialReference>} replacements.credentials by credential type
 * @param {string} replacements.videoUrl
 * @param {string} replacements.folder where videos are saved
 * @returns {Workflow & { id: string }}
 */
export function prepare({ id, file }, { credentials, ...values }) {
	/** @type {Workflow} */
	const workflow = JSON.parse(fs.readFileSync(path.join(root, 'examples', file), 'utf8'));
	const given = new Map(Object.entries(values));

	for (const node of workflow.nodes) {
		if (node.type === 'n8n-nodes-base.set') {
			for (const field of node.parameters.assignments.assignments)
				field.value = given.get(field.name) ?? field.value;
		}
		if (node.type.startsWith(OWN_NODES)) {
			const type = /** @type {string} */ (CREDENTIAL_OF[node.parameters.provider]);
			node.credentials = {
				[type]: /** @type {import('./session.mjs').CredentialReference} */ (credentials[type]),
			};
		}
	}
	return { ...workflow, id };
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
		await session.saveWorkflow(
			prepare(example, { credentials, videoUrl: `${mediaUrl}/reference.mp4`, folder }),
		);
	}
	return credentials;
}

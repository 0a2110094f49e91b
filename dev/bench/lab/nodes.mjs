// @ts-check
// The nodes that the questions put into workflows, as a user would have set them.

import { node } from '../../workflow.mjs';

/** @typedef {import('../../server/session.mjs').CredentialReference} CredentialReference */
/** @typedef {Record<string, CredentialReference>} Credentials */

const PACKAGE = 'n8n-nodes-kling-v2v';
export const REFERENCE = 'http://localhost/reference.mp4';

export const start = () => node('Start', 'manualTrigger', {});

/** So many items, numbered. @param {number} count */
export const items = (count) =>
	node(
		'Items',
		'code',
		{ jsCode: `return Array.from({ length: ${count} }, (_, n) => ({ json: { n } }));` },
		{ typeVersion: 2 },
	);

/**
 * @param {Credentials} credentials
 * @param {Record<string, unknown>} [parameters]
 */
export const generate = ({ magnificApi }, parameters = {}) =>
	node(
		'Generate',
		`${PACKAGE}.klingV2vGenerate`,
		{ prompt: 'As in @Video1', videoUrl: REFERENCE, ...parameters },
		{ typeVersion: 1.1, credentials: { magnificApi } },
	);

/**
 * @param {Credentials} credentials
 * @param {Record<string, unknown>} [parameters]
 */
export const taskStatus = ({ magnificApi }, parameters = {}) =>
	node('Status', `${PACKAGE}.klingTaskStatus`, parameters, { credentials: { magnificApi } });

/**
 * @param {string} path
 * @param {Credentials} credentials
 * @param {Record<string, unknown>} [parameters]
 */
export const trigger = (path, { magnificApi }, parameters = {}) =>
	node('Trigger', `${PACKAGE}.klingV2vTrigger`, parameters, {
		typeVersion: 1,
		webhookId: path,
		credentials: { magnificApi },
	});

/** For a webhook that answers when everything behind it is done. */
export const WHEN_DONE = { responseMode: 'lastNode', responseData: 'noData' };

export const noOp = () => node('No Operation', 'noOp', {});

/**
 * @param {string} name
 * @param {string} url
 * @param {Record<string, unknown>} [parameters]
 * @param {Credentials} [credentials] with the key in a header
 */
export const httpRequest = (name, url, parameters = {}, credentials) =>
	node(
		name,
		'httpRequest',
		{
			url,
			...(credentials && {
				authentication: 'genericCredentialType',
				genericAuthType: 'httpHeaderAuth',
			}),
			options: {},
			...parameters,
		},
		{
			typeVersion: 4.2,
			...(credentials && {
				credentials: {
					httpHeaderAuth: /** @type {CredentialReference} */ (credentials.httpHeaderAuth),
				},
			}),
		},
	);

/** The HTTP Request node's way of saying that a file comes. */
export const AS_FILE = {
	options: { response: { response: { responseFormat: 'file', outputPropertyName: 'data' } } },
};

// @ts-check
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { scratchFolder } from '../../dev/server/cache.mjs';

/**
 * An n8n, of one process or of several, with the packed package and a signed-in owner.
 *
 * @typedef {object} World
 * @property {string} name
 * @property {import('../../dev/server/session.mjs').Session} session
 * @property {string} webhookUrl where published workflows are called
 * @property {string} folder holds all of it, logs too
 * @property {string} videos where workflows may write files
 * @property {import('../../dev/server/n8n.mjs').RunningN8n} runner the process that runs the nodes
 * @property {() => Promise<void>} restart
 * @property {() => Promise<void>} stop
 */

export const buildLog = path.join(scratchFolder, 'build.log');

/** @param {string} name @returns {string} an empty folder, kept until the next run so that a failure can be looked into */
export function newFolder(name) {
	const folder = path.join(scratchFolder, name);
	fs.rmSync(folder, { recursive: true, force: true });
	fs.mkdirSync(path.join(folder, 'videos'), { recursive: true, mode: 0o700 });
	return folder;
}

/** Gone with the server, so nobody needs to know its password. */
export const owner = {
	email: 'owner@example.com',
	firstName: 'End',
	lastName: 'ToEnd',
	password: `Kling-${randomBytes(9).toString('base64url')}-1`,
};

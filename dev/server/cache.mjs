// @ts-check
import { createHash } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import { root } from '../setup.mjs';

/** @returns {string} what is kept for the next run, and for other clones */
export const cacheFolder = () =>
	path.resolve(
		process.env.KLING_V2V_CACHE ??
			path.join(
				process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'),
				'n8n-nodes-kling-v2v',
			),
	);

/** Tells the clones on one machine apart. */
export const clone = createHash('sha256').update(root).digest('hex').slice(0, 8);

/**
 * What a server of n8n has belongs outside of the project: with the project's node_modules above it, a package that n8n
 * loads would find the n8n-workflow there, and not n8n's own.
 */
export const serverFolder = path.join(cacheFolder(), `server-${clone}`);

/** The same for servers of one run. */
export const scratchFolder = path.join(os.tmpdir(), `kling-v2v-e2e-${clone}`);

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

/** Every server downloads it, and n8n's reviewers read it. Raise the limit only for what users get in return. */
const MOST_BYTES = 140_000;

test('the packed package stays small', async () => {
	const packing = ['pack', '--dry-run', '--json', '--ignore-scripts'];
	const { stdout } = await promisify(execFile)('npm', packing);
	const [{ size }] = JSON.parse(stdout) as Array<{ size: number }>;
	expect(size).toBeLessThanOrEqual(MOST_BYTES);
}, 60_000);

import { spawnSync } from 'node:child_process';
import { expect, test } from '@jest/globals';

test('the tables of README and docs/ are as the declarations say', () => {
	const { status, stderr } = spawnSync(process.execPath, ['dev/docs/main.mjs', '--check'], {
		encoding: 'utf8',
	});
	expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

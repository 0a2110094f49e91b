// @ts-check
// `npm run screenshots`: the pictures of the documentation, taken anew by the tests that can take them.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { root, setUp } from './setup.mjs';
import { isMain, runCommand } from './server/command.mjs';

if (isMain(import.meta.url)) {
	await runCommand(async () => {
		await setUp();
		const playwright = createRequire(import.meta.url).resolve('@playwright/test/cli');
		const { status } = spawnSync(
			process.execPath,
			[playwright, 'test', '-c', 'test/e2e', '--project=editor', 'pictures', 'movie'],
			{
				cwd: root,
				stdio: 'inherit',
				env: { ...process.env, PICTURES_FOLDER: path.join(root, 'docs/images') },
			},
		);
		return status ?? 1;
	});
}

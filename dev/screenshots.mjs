// @ts-check
// `npm run screenshots`: the pictures of the documentation, taken anew.
import path from 'node:path';
import { root, setUp } from './setup.mjs';
import { isMain, runCommand } from './server/command.mjs';
import { installN8n } from './server/install.mjs';
import { Report } from '../test/e2e/report.mjs';
import { editor } from '../test/e2e/suites/editor.mjs';

async function main() {
	await setUp();
	const report = new Report();
	const images = path.join(root, 'docs/images');
	await editor(report, await installN8n(), { images, areChecked: false });
	return report.print();
}

if (isMain(import.meta.url)) await runCommand(main);

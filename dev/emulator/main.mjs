// @ts-check
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startEmulator } from './server.mjs';

/** @param {string} name @param {string} value */
function amount(name, value) {
	const number = Number(value);
	if (value.trim() === '' || !(number >= 0))
		throw new Error(`--${name} must be a number, not "${value}".`);
	return number;
}

try {
	const { values } = parseArgs({
		options: {
			port: { type: 'string', default: '0' },
			'media-port': { type: 'string', default: '0' },
			api: { type: 'string', multiple: true, default: [] },
			'task-seconds': { type: 'string', default: '2' },
		},
	});
	const { close, ...urls } = await startEmulator({
		port: amount('port', values.port),
		mediaPort: amount('media-port', values['media-port']),
		apis: await Promise.all(values.api.map(async (path) => (await import(resolve(path))).api)),
		settings: { taskSeconds: amount('task-seconds', values['task-seconds']) },
	});
	const leave = () => void close().finally(() => process.exit(0));
	process.once('SIGTERM', leave);
	process.once('SIGINT', leave);
	console.log(JSON.stringify(urls));
} catch (error) {
	console.error(error instanceof Error ? error.message : error);
	process.exit(1);
}

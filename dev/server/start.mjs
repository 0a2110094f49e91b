// @ts-check
// `npm start`: from a fresh clone to a real n8n that has just turned a reference video into a video file. Nothing here costs
// money or leaves the machine: an emulator stands in for both providers.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import util from 'node:util';
import { root, setUp } from '../setup.mjs';
import { serverFolder } from './cache.mjs';
import { isMain, runCommand } from './command.mjs';
import { startEmulator } from '../emulator/client.mjs';
import { examples, importExamples } from './examples.mjs';
import { installN8n } from './install.mjs';
import { startInstance } from './instance.mjs';
import { packInto } from './pack.mjs';
import { freePort, requirePort } from './ports.mjs';
import { Problem, report } from './problem.mjs';
import { seconds, size, step } from './progress.mjs';
import { itemsOf } from './session.mjs';
import { probe, sha256 } from './video.mjs';

const videos = path.join(root, 'videos');

const N8N_PORT = 5678;
const EMULATOR_PORT = 8765;
const TASK_SECONDS = 5;
const EXAMPLE_WITHIN_MS = 180_000;

const HELP = `npm start [-- options]

  --once                 end after the example run; the exit code says whether its video is right
  --port <number>        of n8n (${N8N_PORT})
  --emulator-port <n>    of the emulated APIs (${EMULATOR_PORT}); the one after it is their video host's

With --once, a port in use is no obstacle unless you have chosen it: nobody is to open an address then.`;

/** @param {string[]} args */
function readOptions(args) {
	try {
		const { values } = util.parseArgs({
			args,
			options: {
				once: { type: 'boolean', default: false },
				help: { type: 'boolean', default: false },
				port: { type: 'string' },
				'emulator-port': { type: 'string' },
			},
		});
		const port = (/** @type {'port' | 'emulator-port'} */ name) => {
			if (values[name] === undefined) return undefined;
			const number = Number(values[name]);
			if (Number.isInteger(number) && number > 0 && number < 65_535) return number;
			throw new Error(`--${name} takes a port number, not "${values[name]}".`);
		};
		const { once, help } = values;
		return { once, help, port: port('port'), emulatorPort: port('emulator-port') };
	} catch (error) {
		const { message } = /** @type {Error} */ (error);
		throw new Problem(`${message.replace(/\.?$/, '.')} \`npm start -- --help\` lists the options.`);
	}
}

/** @param {ReturnType<typeof readOptions>} options */
async function choosePorts({ once, port, emulatorPort }) {
	/** @param {number | undefined} chosen @param {number} usual @param {string} option */
	const choose = async (chosen, usual, option) => {
		if (once && chosen === undefined) return await freePort(usual);
		await requirePort(chosen ?? usual, `\`npm start -- ${option} <number>\``);
		return chosen ?? usual;
	};
	const mediaPort = emulatorPort === undefined ? undefined : emulatorPort + 1;
	return {
		port: await choose(port, N8N_PORT, '--port'),
		emulatorPort: await choose(emulatorPort, EMULATOR_PORT, '--emulator-port'),
		mediaPort: await choose(mediaPort, EMULATOR_PORT + 1, '--emulator-port'),
	};
}

/**
 * The account that the editor opens with. Its password is made up once per user folder: whoever can sign in can run code.
 *
 * @returns {import('./session.mjs').Owner}
 */
function readOwner() {
	const file = path.join(serverFolder, 'owner.json');
	if (!fs.existsSync(file)) {
		const password = `Kling-${randomBytes(9).toString('base64url')}-1`;
		const owner = { email: 'owner@example.com', firstName: 'Local', lastName: 'Owner', password };
		fs.writeFileSync(file, JSON.stringify(owner, null, '\t'), { mode: 0o600 });
	}
	return JSON.parse(fs.readFileSync(file, 'utf8'));
}

/**
 * @param {import('./session.mjs').Session} session
 * @param {import('../emulator/client.mjs').EmulatorClient} emulator
 */
async function runExample(session, emulator) {
	const { id, trigger } = examples.referenceVideoToFile;
	return await step('The example, from a reference video to a file', async (note) => {
		const started = await session.start(id, trigger);
		const execution = await session.executionEnd(started, {
			timeoutMs: EXAMPLE_WITHIN_MS,
			watch: async () => {
				const [task] = await emulator.tasks();
				if (task) note(`the provider says ${task.status}`);
			},
		});
		if (execution.status === 'success') return execution;

		const { error, lastNodeExecuted } = execution.data.resultData;
		const reason = [error?.message, error?.description].filter(Boolean).join(' ');
		throw new Problem(
			`The example ended with "${execution.status}" at the node "${lastNodeExecuted}": ${reason || 'no reason given'}. Open execution ${execution.id} of the workflow in the editor to see it.`,
		);
	});
}

/** @param {import('./session.mjs').Execution} execution */
function printNodes(execution) {
	const runs = Object.entries(execution.data.resultData.runData);
	const width = Math.max(...runs.map(([name]) => name.length));
	for (const [name, [run]] of runs) {
		const item = itemsOf(execution, name)[0]?.json ?? {};
		const shown =
			item.fileName ??
			(item.taskId && `${item.status}, task ${item.taskId}`) ??
			item.videoUrl ??
			'';
		console.log(
			`    ${name.padEnd(width)}  ${seconds(run?.executionTime ?? 0).padStart(6)}  ${shown}`.trimEnd(),
		);
	}
}

/**
 * The file on disk has to be the very bytes that the emulator made, and a film.
 *
 * @param {import('./session.mjs').Execution} execution
 * @param {import('../emulator/client.mjs').EmulatorClient} emulator
 */
async function checkVideo(execution, emulator) {
	const saved = itemsOf(execution, 'Save the Video')[0]?.json;
	if (!saved?.fileName || !fs.existsSync(saved.fileName)) {
		throw new Problem(
			`The example run saved no video in ${videos}: open the workflow in the editor to see what its nodes put out.`,
		);
	}
	const { fileName: file, taskId } = saved;
	const [ours, theirs] = [await sha256(file), await emulator.video(taskId)];
	const bytes = fs.statSync(file).size;
	if (ours !== theirs.sha256 || bytes !== theirs.bytes) {
		throw new Problem(
			`${file} is not the video that the emulator made: it has ${bytes} bytes and sha256 ${ours}, and should have ${theirs.bytes} bytes and sha256 ${theirs.sha256}.`,
		);
	}
	const film = await probe(file);
	console.log(`
The video
    file    ${file}
    size    ${bytes.toLocaleString('en')} bytes (${size(bytes)})
    length  ${film.seconds.toFixed(2)} seconds, ${film.width} x ${film.height}, ${film.codec}
    sha256  ${ours}, the same as the emulator's`);
}

/** @param {string[]} args @returns {Promise<number>} the exit code */
async function main(args) {
	const options = readOptions(args);
	if (options.help) {
		console.log(HELP);
		return 0;
	}
	const began = Date.now();

	// Before the long steps, and not after them.
	const { port, emulatorPort, mediaPort } = await choosePorts(options);

	await setUp();
	const n8n = await installN8n();
	fs.mkdirSync(videos, { recursive: true, mode: 0o700 });
	await packInto(serverFolder, { log: path.join(serverFolder, 'build.log') });

	const emulator = await step('Emulator of Magnific and MuleRouter', async (note) => {
		const running = await startEmulator({
			port: emulatorPort,
			mediaPort,
			taskSeconds: TASK_SECONDS,
			log: path.join(serverFolder, 'emulator.log'),
		});
		note(running.apiUrl);
		return running;
	});
	const owner = readOwner();
	const { session, main: server } = await step(
		`n8n ${n8n.version}, with the packed package`,
		async (note) => {
			const running = await startInstance({
				n8n,
				userFolder: serverFolder,
				owner,
				port,
				log: path.join(serverFolder, 'n8n.log'),
				env: { N8N_RESTRICT_FILE_ACCESS_TO: videos },
			});
			note(running.main.url);
			return running;
		},
	);
	await step('Credentials, example workflows', async () => {
		await importExamples(session, emulator, videos);
	});

	let code = 0;
	try {
		const execution = await runExample(session, emulator);
		printNodes(execution);
		await checkVideo(execution, emulator);
	} catch (error) {
		if (options.once) throw error;
		// The editor is the best place to see why.
		report(error);
		code = 1;
	}
	if (options.once) return code;

	console.log(`
n8n is open, ${seconds(Date.now() - began)} after the start
    editor    ${server.url}
    e-mail    ${owner.email}
    password  ${owner.password}
    log       ${server.log}
To try it    credential "Magnific (emulator)", Video URL ${emulator.mediaUrl}/reference.mp4, files to ${videos}
The example workflows are there, and are reset by the next start: duplicate one to keep your changes.
Ctrl-C stops everything.`);
	process.exitCode = code;
	const gone = await Promise.race([
		server.ended.then(() => `n8n ended by itself: its log is ${server.log}.`),
		emulator.ended.then(
			() => `The emulator ended by itself: its log is ${path.join(serverFolder, 'emulator.log')}.`,
		),
	]);
	throw new Problem(gone);
}

if (isMain(import.meta.url)) await runCommand(() => main(process.argv.slice(2)));

import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { examples, prepare } from '../../../dev/server/examples.mjs';
import { itemsOf } from '../../../dev/server/session.mjs';
import { root } from '../../../dev/setup.mjs';
import type { Example } from '../examples.mts';
import { importExample } from '../examples.mts';
import { expect, test } from '../fixtures.mts';
import { billedTasks } from '../stage.mts';
import { call, GENERATE, publishBatch } from '../workflows.mts';

test.use({ taskSeconds: 5 });

/** Run on a real n8n: here, in `everywhere/examples.spec.mts` and in `sqlite/s3.spec.mts`. */
const RUN: Example[] = [
	'referenceVideoToFile',
	'submitWaitStatusLoop',
	'submitForTrigger',
	'triggerToStorage',
	'folderToS3',
	'variantsOfAClip',
	'partOfALongClip',
	'nightlyRescue',
	'errorToChannel',
	'formToPage',
];

/** They need accounts with others: `test/examples.test.mts` holds them against n8n's own check of parameters. */
const CHECKED: Example[] = [
	'telegramToTelegram',
	'sheetToLinks',
	'driveToDrive',
	'agentWithApproval',
];

const LOOKS = 600;
const LOOK_MS = 500;

test(`examples/${examples.formToPage.file} shows the page with the video as soon as it is there`, async ({
	stage,
	instance: { session, webhookUrl },
}) => {
	const id = await importExample(stage, 'formToPage');
	await session.publish(id);
	const { nodes } = JSON.parse(
		fs.readFileSync(path.join(root, 'examples', examples.formToPage.file), 'utf8'),
	) as { nodes: Array<{ name: string; webhookId?: string }> };
	const { webhookId } = nodes.find(({ name }) => name === 'Form') ?? {};
	const clip = await (await fetch(stage.emulator.referenceUrl)).blob();
	const submit = async () => {
		const form = new FormData();
		form.set('field-0', new File([clip], 'clip.mp4', { type: 'video/mp4' }));
		form.set('field-1', 'Follow @Video1, as a cartoon');
		return await fetch(`${webhookUrl.replace(/webhook$/, 'form')}/${webhookId}`, {
			method: 'POST',
			body: form,
		});
	};
	let response = await submit();
	for (let looks = 0; response.status === 404 && looks < LOOKS; looks++) {
		await sleep(LOOK_MS);
		response = await submit();
	}
	const { formWaitingUrl } = (await response.json()) as { formWaitingUrl: string };
	const { pathname, search } = new URL(formWaitingUrl);
	const page = `${new URL(webhookUrl).origin}${pathname}${search}`;
	// As n8n's own page asks.
	const status = async () => await (await fetch(`${page}/n8n-execution-status`)).text();
	for (let looks = 0; (await status()) !== 'form-waiting' && looks < LOOKS; looks++) {
		await sleep(LOOK_MS);
	}
	const html = await (await fetch(page)).text();
	expect(html).toContain('Here is your video');

	// It waits for somebody who opens the page again.
	const execution = await session.execution(await session.firstExecutionOf(id));
	const [{ json, binary }] = itemsOf(execution, GENERATE);
	expect(binary?.data.mimeType).toBe('video/mp4');
	const [task] = await stage.emulator.tasks();
	expect(json.taskId).toBe(task.taskId);
	expect(await billedTasks(stage)).toBe(1);
});

test(`examples/${examples.errorToChannel.file} hears of a failed workflow with the ID of its task`, async ({
	stage,
	instance: { session },
}) => {
	await stage.emulator.set({ failTasks: { nth: 'all' } });
	const example = prepare(examples.errorToChannel, { credentials: stage.credentials });
	// There is no channel here to tell.
	for (const node of example.nodes) if (node.name === 'Tell the Channel') node.disabled = true;
	const { id: errorWorkflow } = await session.saveWorkflow(example);
	await session.publish(errorWorkflow);
	const failing = await publishBatch(stage, { workflow: { errorWorkflow } });
	await session.executionEnd(await call(stage, failing, ['@Video1']));

	const told = await session.executionEnd(await session.firstExecutionOf(errorWorkflow));
	const [{ json }] = itemsOf(told, 'What Happened');
	const [{ taskId }] = await stage.emulator.tasks();
	expect(json.taskIds).toEqual([taskId]);
	expect(json.text).toContain('could not make the video');
});

test('Every file in examples/ has a test that runs or checks it', () => {
	const files = fs.readdirSync(path.join(root, 'examples')).filter((name) => /\.json$/.test(name));
	const tested = [...RUN, ...CHECKED].map((name) => examples[name].file);
	expect(tested.sort()).toEqual(files.sort());
});

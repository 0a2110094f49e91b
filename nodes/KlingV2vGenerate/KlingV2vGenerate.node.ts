import { NodeConnectionTypes } from 'n8n-workflow';
import type {
	IExecuteFunctions,
	INodeExecutionData,
	INodeType,
	INodeTypeDescription,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';
import { deliver } from '../shared/deliver';
import { settle } from '../shared/items';
import { readJobs } from '../shared/jobs';
import { inspect } from '../shared/media/inspect';
import { isPaused, nudge, pause, resumeWebhooks } from '../shared/pause';
import { Run } from '../shared/run';
import { expectVideo } from '../shared/wait';
import { properties } from './properties';

export class KlingV2vGenerate implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Kling V2V Generate',
		name: 'klingV2vGenerate',
		icon: { light: 'file:../../icons/kling.svg', dark: 'file:../../icons/kling.dark.svg' },
		group: ['transform'],
		version: 1,
		subtitle:
			'={{ $parameter["provider"] === "muleRouter" ? "MuleRouter" : "Magnific" }}: {{ $parameter["mode"] === "pro" ? "pro" : "standard" }}',
		description: 'Make an AI video from a reference video with Kling 3 Omni',
		defaults: { name: 'Kling V2V Generate' },
		usableAsTool: true,
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		credentials: [
			{
				name: 'magnificApi',
				required: true,
				displayOptions: { show: { provider: ['magnific'] } },
			},
			{
				name: 'muleRouterApi',
				required: true,
				displayOptions: { show: { provider: ['muleRouter'] } },
			},
		],
		waitingNodeTooltip:
			'The execution continues when the provider calls back, or at the wait limit',
		webhooks: resumeWebhooks,
		properties,
	};

	/** Called through the resume URL of an execution that is paused until callback. */
	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		return await nudge(this);
	}

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		const asked = readJobs(this);
		const run = new Run(this, asked);
		const jobs = await inspect(run, asked);
		const output = await settle(run, jobs, async (job) => {
			if (job.options.validateOnly) return await run.preview(job);
			if (job.completion !== 'poll') return await run.submit(job);
			const { task, timedOut } = await run.make(job);
			if (timedOut) return { task, timedOut };
			expectVideo(task);
			return await deliver(run, task, job.binaryField);
		});
		if (isPaused(jobs)) return [await pause(run, jobs, output)];
		run.close(output);
		return [output];
	}
}

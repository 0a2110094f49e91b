import { NodeConnectionTypes } from 'n8n-workflow';
import type {
	IExecuteFunctions,
	INodeExecutionData,
	INodeType,
	INodeTypeDescription,
} from 'n8n-workflow';
import { deliver } from '../shared/deliver';
import { settle } from '../shared/items';
import { readJobs } from '../shared/jobs';
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
		properties,
	};

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		const jobs = readJobs(this);
		const run = new Run(this, jobs);
		const output = await settle(run, jobs, async (job) => {
			if (job.options.validateOnly) return await run.preview(job);
			if (job.completion === 'submitOnly') return await run.submit(job);
			const { task, timedOut } = await run.make(job);
			if (timedOut) return { task, timedOut };
			expectVideo(task);
			return await deliver(run, task, job.binaryField);
		});
		run.close(output);
		return [output];
	}
}

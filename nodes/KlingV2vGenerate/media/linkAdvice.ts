import type { Media } from '../../shared/media/media';

/** The advice for a link that gives no file, by the hosts that people often take such links from. */

interface Host {
	/** Of the hostname. */
	name: RegExp;
	/** @returns a sentence, without its beginning and end */
	advice(link: URL): string;
}

const PAGE = 'this is a page that plays the video, not the file: download the video';

const hosts: Host[] = [
	{
		name: /^(drive|docs)\.google\.com$/,
		advice: (link) => {
			const [, inPath] = /\/d\/([\w-]+)/.exec(link.pathname) ?? [];
			const id = inPath ?? link.searchParams.get('id') ?? 'FILE_ID';
			return `share the file in Google Drive with "Anyone with the link", and give https://drive.usercontent.google.com/download?export=download&confirm=t&id=${id}`;
		},
	},
	{
		name: /^(www\.)?dropbox\.com$/,
		advice: () => 'end the link from Dropbox with dl=1 in place of dl=0',
	},
	{
		name: /(^|\.)(1drv\.ms|onedrive\.live\.com|sharepoint\.com)$/,
		advice: () =>
			'links from OneDrive and SharePoint lead to a page: share the file with anyone, and add download=1 to the query of the link',
	},
	{
		name: /(^|\.)(tiktok\.com|youtube\.com|youtu\.be|instagram\.com|facebook\.com|fb\.watch|vimeo\.com|x\.com|twitter\.com)$/,
		advice: () => PAGE,
	},
	{
		name: /(^|\.)(tiktokcdn(-\w+)?\.com|cdninstagram\.com|fbcdn\.net|googlevideo\.com)$/,
		advice: () =>
			'links of this host work for a short time, and for one address only: download the video',
	},
	{
		name: /(^|\.)github\.com$/,
		advice: () => 'give the link behind the button Raw',
	},
	{
		name: /(^|\.)(amazonaws\.com|r2\.cloudflarestorage\.com|r2\.dev|storage\.googleapis\.com|blob\.core\.windows\.net|digitaloceanspaces\.com|backblazeb2\.com|wasabisys\.com|supabase\.co)$/,
		advice: () =>
			'the bucket may be private: make a signed link to the file, which lasts some hours',
	},
];

/** @returns how to give the provider a file that this link does not give */
export function linkAdvice(url: string, kind: Media['kind']): string {
	const link = new URL(url);
	const known = hosts.find(({ name }) => name.test(link.hostname));
	const advice =
		known?.advice(link) ?? 'give a link to the file itself, which works without a log-in';
	return `${advice}, ${handOver(kind)}`;
}

/** The way that needs no link. */
export function handOver(kind: Media['kind']): string {
	return kind === 'video'
		? 'or hand the file over (Reference Video: Binary File)'
		: 'or hand the image over (the name of its binary field)';
}

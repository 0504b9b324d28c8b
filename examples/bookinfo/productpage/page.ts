// The HTML: whole pages from what the services said. Every value is escaped; the one that is HTML is the product's own.
import type { BackendAnswer } from './backends.ts'
import type { Product } from './products.ts'

export interface ProductPageContent {
  readonly product: Product
  readonly user: string | null
  readonly details: BackendAnswer
  readonly reviews: BackendAnswer
}

interface Review {
  readonly reviewer?: unknown
  readonly text?: unknown
  readonly rating?: { readonly stars?: unknown; readonly color?: unknown; readonly error?: unknown }
}

const IMPRINT: readonly (readonly [label: string, field: string])[] = [
  ['Author', 'author'],
  ['Year', 'year'],
  ['Type', 'type'],
  ['Pages', 'pages'],
  ['Publisher', 'publisher'],
  ['Language', 'language'],
  ['ISBN-10', 'ISBN-10'],
  ['ISBN-13', 'ISBN-13'],
]

const MAX_STARS = 5

export function renderProductPage(content: ProductPageContent): string {
  const { product, user, details, reviews } = content
  return page(
    product.title,
    `${renderMasthead(user)}
<main>
  <section class="book">
    <div class="cover" aria-hidden="true"><span class="cover-title">${escapeHtml(product.title)}</span><span class="cover-author">William Shakespeare</span></div>
    <div class="summary">
      <h1>${escapeHtml(product.title)}</h1>
      <p>${product.descriptionHtml}</p>
    </div>
  </section>
  <section class="columns">
    <section class="details"><h2>Book details</h2>${renderDetails(details)}</section>
    <section class="reviews"><h2>Reviews</h2>${renderReviews(reviews)}</section>
  </section>
</main>`,
  )
}

export function renderIndex(): string {
  return page(
    'Bookinfo',
    `${renderMasthead(null)}
<main class="welcome">
  <h1>A page about one book</h1>
  <p>Four services make it: <b>productpage</b> asks <b>details</b> and <b>reviews</b>, and reviews ask <b>ratings</b> for
  the stars. None of them knows who else is there; the mesh does.</p>
  <p><a class="button" href="/productpage">Open the product page</a></p>
</main>`,
  )
}

function renderMasthead(user: string | null): string {
  const session =
    user === null
      ? `<form method="post" action="/login"><label class="hidden" for="username">Name</label>` +
        `<input id="username" name="username" placeholder="jason" autocomplete="username" maxlength="64" required>` +
        `<button>Sign in</button></form>`
      : `<span class="user">Signed in as <b>${escapeHtml(user)}</b></span> <a class="button" href="/logout">Sign out</a>`
  return `<header><a class="brand" href="/productpage">Bookinfo <small>sample</small></a><div class="session">${session}</div></header>`
}

function renderDetails(answer: BackendAnswer): string {
  if (answer.status !== 200) return renderError('Error fetching product details', answer)
  const details = answer.value as Readonly<Record<string, unknown>>
  const rows = IMPRINT.map(([label, field]) => `<dt>${label}</dt><dd>${escapeHtml(details[field])}</dd>`)
  return `<dl>${rows.join('')}</dl>`
}

function renderReviews(answer: BackendAnswer): string {
  if (answer.status !== 200) return renderError('Error fetching product reviews', answer)
  const { podname, reviews } = answer.value as { readonly podname?: unknown; readonly reviews?: readonly Review[] }
  const served = `<p class="served">Reviews served by <code>${escapeHtml(podname)}</code></p>`
  return (reviews ?? []).map(renderReview).join('') + served
}

function renderReview(review: Review): string {
  return (
    `<figure><blockquote>${escapeHtml(review.text)}</blockquote>` +
    `<figcaption>${escapeHtml(review.reviewer)} ${renderRating(review.rating)}</figcaption></figure>`
  )
}

function renderRating(rating: Review['rating']): string {
  if (rating === undefined) return ''
  if (rating.error !== undefined) return `<span class="unrated">${escapeHtml(rating.error)}</span>`
  const stars = Math.min(MAX_STARS, Math.max(0, Math.trunc(Number(rating.stars)) || 0))
  const color = rating.color === 'red' ? 'red' : 'black'
  return (
    `<span class="stars ${color}" role="img" aria-label="${stars} of ${MAX_STARS} stars, ${color}">` +
    `${'★'.repeat(stars)}<span class="rest">${'★'.repeat(MAX_STARS - stars)}</span></span>`
  )
}

function renderError(title: string, answer: BackendAnswer): string {
  const { error } = answer.value as { readonly error?: unknown }
  return `<div class="error" role="alert"><b>${title}!</b><p>${escapeHtml(error)}</p><small>status ${answer.status}</small></div>`
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)} · Bookinfo</title>
<link rel="icon" href="/static/book.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/bookinfo.css">
</head>
<body>
${body}
</body>
</html>
`
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(value: unknown): string {
  return String(value ?? '').replace(/[&<>"']/g, sign => ENTITIES[sign] ?? sign)
}

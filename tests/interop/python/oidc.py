"""A browser without a screen: logs in to the console by way of a provider and says where it ended.

    oidc.py CONSOLE PROVIDER NAME

Prints one JSON object: the last answer, and what becomes of the way back when it is tried again, by the
same browser and by another.
"""

import json
import sys
import urllib.error
import urllib.request
from http.cookiejar import CookieJar


class Seen(urllib.request.HTTPRedirectHandler):
    """Follows, and remembers where it was led."""

    def __init__(self):
        self.places = []

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        self.places.append(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def browser():
    seen = Seen()
    cookies = urllib.request.HTTPCookieProcessor(CookieJar())
    return urllib.request.build_opener(seen, cookies), seen


def get(opener, url):
    request = urllib.request.Request(url, headers={"Accept": "text/html"})
    try:
        with opener.open(request, timeout=30) as answer:
            return answer.status, answer.url, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.url, error.read().decode()


def main():
    console, provider, name = sys.argv[1:4]
    get(urllib.request.build_opener(), f"{provider}/as/{name}")
    opener, seen = browser()
    login = get(opener, f"{console}/c/local/topics")
    status, url, body = get(opener, f"{console}/login/oidc?to=%2Fc%2Flocal%2Ftopics")
    back = [place for place in seen.places if "/login/oidc/callback" in place]
    said = {"login": login[2], "status": status, "url": url, "body": body, "back": len(back)}
    if back:
        said["again"] = get(opener, back[-1])[0]
        said["other"] = get(browser()[0], back[-1])[0]
    print(json.dumps(said))


main()

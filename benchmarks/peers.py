"""What peers are given to run with: nobody waits between requests."""

SPIDER = """
import sys
import scrapy

class Links(scrapy.Spider):
    name = "links"
    custom_settings = {
        "CONCURRENT_REQUESTS": 64, "CONCURRENT_REQUESTS_PER_DOMAIN": 16, "DOWNLOAD_DELAY": 0, "ROBOTSTXT_OBEY": False,
        "LOG_ENABLED": False, "TELNETCONSOLE_ENABLED": False, "DOWNLOAD_SLOTS": {},
    }
    seen = 0

    async def start(self):
        for url in open(sys.argv[-1].partition("=")[2]).read().split():
            yield scrapy.Request(url)

    def parse(self, response):
        Links.seen += response.status == 200

    def closed(self, reason):
        print(Links.seen)
"""

TRAFILATURA = """
[DEFAULT]
DOWNLOAD_TIMEOUT = 30
MAX_FILE_SIZE = 20000000
MIN_FILE_SIZE = 10
SLEEP_TIME = 0
SSRF_PROTECTION = off
USER_AGENTS =
COOKIE =
MAX_REDIRECTS = 2
MIN_EXTRACTED_SIZE = 250
MIN_EXTRACTED_COMM_SIZE = 1
MIN_OUTPUT_SIZE = 1
MIN_OUTPUT_COMM_SIZE = 1
EXTRACTION_TIMEOUT = 30
MIN_DUPLCHECK_SIZE = 100
MAX_REPETITIONS = 2
EXTENSIVE_DATE_SEARCH = off
EXTERNAL_URLS = off
"""

LINKCHECKER = """
[checking]
maxrequestspersecond=10000
"""
